"""The wire format, one file for each thing it is about."""
