"""Permits: one thing, many departments in parallel, each within its time."""
