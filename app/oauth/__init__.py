"""Systems of others that call the API, for citizens and in their own name."""
