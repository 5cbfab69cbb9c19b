"""The shop's domain in memory: an executable specification of the real one, and much faster."""
