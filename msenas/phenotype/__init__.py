"""From a genome to a network: the Plan, and its readers that simulate or draw it."""
