"""Four short stories of drop orders, played on the real parts. `make demo` runs it."""
