"""A Stripe-compatible server for one machine, spoken to by the real `stripe` library."""

from sandbox.stripe.server import Sandbox, serve_stripe

__all__ = ["Sandbox", "serve_stripe"]
