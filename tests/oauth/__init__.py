"""The OAuth provider, over HTTP and against PostgreSQL."""
