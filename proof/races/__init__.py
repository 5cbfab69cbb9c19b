"""Finds races on a real PostgreSQL, deterministically: the same seed is the same interleaving."""
