"""What the assistant could not do, kept masked, and how it becomes data that an editor accepted."""
