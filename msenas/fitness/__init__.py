"""Training-free scores of untrained networks, and everything else that one forward pass tells."""
