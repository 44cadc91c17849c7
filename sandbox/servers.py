"""The embedded servers: `with start_postgres(data_dir) as database`, `with start_valkey(dir)`."""

from sandbox.postgres import Postgres, start_postgres
from sandbox.processes import ServerError, free_port, temporary_data_dir
from sandbox.valkey import Valkey, start_valkey

__all__ = [
    "Postgres",
    "ServerError",
    "Valkey",
    "free_port",
    "start_postgres",
    "start_valkey",
    "temporary_data_dir",
]
