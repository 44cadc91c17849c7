"""The wire format; one file for each thing that operations are about."""
