"""The staff's doors: accounts, the queue, cases and their files, the audit log."""
