"""Plan and weights to files that other tools read."""
