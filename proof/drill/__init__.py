"""The drill: the same shoppers, payments and storm for four strategies; a table of what drops."""
