"""A parking company whose fees are paid in the city's app: a service of its own, over HTTP.

Python's standard library and `cryptography`, nothing else. Begin to read at `service.py`; take
`signing.py` and `city.py` as they are, and put your own business where `fees.py` and `places.py`
are.
"""
