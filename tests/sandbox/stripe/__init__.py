"""The sandbox Stripe, spoken to by the real library over real sockets."""
