"""The dialogue engine: understands a message, keeps the conversation, answers, files and reports cases."""
