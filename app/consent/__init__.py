"""What citizens agreed to, and who was shown what of them."""
