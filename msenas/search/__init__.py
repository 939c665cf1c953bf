"""The search: configuration, variation, selection, workers, the loop that joins them, and its report."""
