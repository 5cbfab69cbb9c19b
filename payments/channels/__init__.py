"""Channels: the third parties that take the money, each in a folder of its own."""
