"""Multi-scale evolutionary architecture search for spiking networks, from a data set to a chip."""

__version__ = "0.1.0"
