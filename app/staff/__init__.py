"""Who works for the city, and what each may do."""
