"""What the city offers."""
