"""Who provides services, and under which conditions: the marketplace of the city."""
