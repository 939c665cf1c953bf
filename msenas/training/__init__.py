"""Training of a network by surrogate gradients (STBP)."""
