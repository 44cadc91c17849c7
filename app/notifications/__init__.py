"""Tells citizens what happened."""
