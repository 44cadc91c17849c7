"""The SMS gateway: it takes messages and shows them instead of sending them."""
