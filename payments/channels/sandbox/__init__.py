"""The wallet that we ship: a third party of its own, and its adapter.

`server` is the third party: a process with a ledger of its own, which never sees our database and
needs no Django. `channel` is the adapter, the only part that the shop loads.
"""
