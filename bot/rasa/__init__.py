"""A Rasa 3 project read and run by our own engine; README.md says what of Rasa is supported."""
