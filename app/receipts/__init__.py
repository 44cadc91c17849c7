"""The proof of money paid: numbered without gaps, never changed, checked by anybody."""
