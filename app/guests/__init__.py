"""Passes for one bill: whoever has proven two facts pays it without an account."""
