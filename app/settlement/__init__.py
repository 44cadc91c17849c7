"""Settlement: what payees are owed is paid out by two people, and shown to them line by line."""
