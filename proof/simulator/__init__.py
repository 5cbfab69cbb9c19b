"""The simulator: one process, one thread, a virtual clock, and every fault that can be thought of.

`world.World` drives a `system.System` (the real shop, or its domain in memory) through the lives
of many orders. Only the third party's edge, the broker and the clock are simulated. A seed decides
all.
"""
