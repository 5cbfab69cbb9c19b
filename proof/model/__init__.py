"""The model: payments, refunds and notifications in TLA+, and bugs that it must find.

`python -m proof.model` checks it with TLC and prints a table. It needs a Java runtime.
"""
