"""Four utility companies that differ in what they can promise about a repeated posting."""
