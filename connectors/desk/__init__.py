"""The agent's desk over HTTP: talks, answers to approve, suggestions and their figures, under /desk/api."""
