"""The crash proof: seeded histories against the whole product, judged by an independent model.

It knows the product's public API, the sandbox's journals and, as an auditor, the tables; it
imports nothing of the product. `make prove-payments`; docs/proof.md says how to read it.
"""
