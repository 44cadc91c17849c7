"""Takes a citizen's money once and says so."""
