"""After a search: the best networks of the front are trained briefly, and compared on validation data."""
