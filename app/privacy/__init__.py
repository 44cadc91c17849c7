"""A person's rights over what the city keeps about them: copy, correction, erasure."""
