"""Floor 5: the pictures."""
