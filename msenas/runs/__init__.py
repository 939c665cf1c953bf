"""What lies on disk: the run folder and best.json."""
