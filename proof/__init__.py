"""The proof of the promise: simulators, the race finder, the model, planted bugs, and real kills.

Nothing of the product imports it. `make drill`, `make soak` and `make prove` run it by hand; the
tests of `tests/proof/` run a smaller dose of each.
"""
