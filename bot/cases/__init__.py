"""Demands filed by citizens: drafts, cases, numbers, states and their store."""
