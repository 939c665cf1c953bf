"""What other simulators and chips make of a NIR graph: a list of rules for each, in `table`."""
