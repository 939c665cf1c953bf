"""Does a fitness rank? Random networks are scored untrained, trained briefly, and both are compared."""
