"""Telephone calls: transcripts in, suggestions out, and a voice that answers."""
