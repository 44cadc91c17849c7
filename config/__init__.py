"""Settings and the city's data: departments, categories, guide services."""
