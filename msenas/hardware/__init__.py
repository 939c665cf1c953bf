"""What an inference costs on a chip: exact counts from a Plan and its spikes, prices from a profile."""
