"""The public-service catalogue: what the city offers, and how to find the right item."""
