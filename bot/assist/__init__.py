"""Help for the person at the desk while somebody calls: what is wanted, what to answer, what to ask, what to file."""
