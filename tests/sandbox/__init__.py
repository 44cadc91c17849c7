"""Tests of the sandbox: the servers, the city and what starts them."""
