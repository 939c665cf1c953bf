"""What a finished network does on data: spikes, operations and joules, accuracy."""
