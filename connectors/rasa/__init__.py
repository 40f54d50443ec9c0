"""Rasa beside us: our actions for a Rasa, its action servers for us, a Rasa behind our doors, and its HTTP API here."""
