"""The one alembic environment: the runner hands over connection, metadata and schema."""

from alembic import context

from app.core.migrate import VERSION_TABLE

attributes = context.config.attributes
schema = attributes["schema"]


def is_ours(
    entity: object, name: str | None, kind: str, reflected: bool, compare_to: object
) -> bool:
    """Leave the queue's own tables and the version table to their owners."""
    del entity, reflected, compare_to
    return not (kind == "table" and name and name.startswith(("procrastinate_", VERSION_TABLE)))


def is_our_schema(name: str | None, kind: str, parents: object) -> bool:
    """Look into one schema only; `None` stands for `public`."""
    del parents
    return kind != "schema" or name == (None if schema == "public" else schema)


context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    version_table=VERSION_TABLE,
    version_table_schema=None if schema == "public" else schema,
    include_schemas=schema != "public",
    include_name=is_our_schema,
    include_object=is_ours,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
