"""Who somebody is, and how surely."""
