"""Where citizens are: who can be reached how, what came in, and what is still to be sent."""
