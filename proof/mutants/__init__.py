"""Bugs that are planted into the product, to see whether the tests and the proof find them."""
