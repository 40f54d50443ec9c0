"""WhatsApp Cloud: a business number in front of the assistant."""
