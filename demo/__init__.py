"""Seven short stories of drop orders and odd money, on the real parts. `make demo` runs it."""
