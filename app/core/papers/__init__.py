"""Papers that the city gives out: drawn with one font, signed with one seal."""
