"""WeChat Official Account: doors, codec, customer messages, templates."""
