"""Live city data: the formats of public sources, and the one feed that asks them."""
