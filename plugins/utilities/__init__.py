"""Utility bills: water, power, gas and heat."""
