"""The population register: who holds which resident identity number."""
