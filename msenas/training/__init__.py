"""Trainings as a user starts them: folders, resuming, results."""
