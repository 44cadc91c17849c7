"""Reconciliation: our books against the gateways', the billers' and the bank's, day by day."""
