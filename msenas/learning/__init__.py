"""How a network learns: surrogate gradients through time (STBP), one step and one epoch after the other."""
