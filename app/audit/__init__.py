"""The trail of accesses and acts of security."""
