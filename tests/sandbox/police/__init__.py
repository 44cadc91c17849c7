"""The police of the sandbox city."""
