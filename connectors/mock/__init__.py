"""Stand-ins for messengers, shipped with the product: to try a channel without an account, and for tests."""
