"""Core: idempotency keys, the event log with its legal moves, the job queue."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = """
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
"""
LEGAL_MOVE = """
create function refuse_illegal_move() returns trigger language plpgsql as $$
begin
    if not exists (
        select from legal_moves
        where entity = new.entity
          and from_state = coalesce(new.from_state, '')
          and to_state = new.to_state
    ) then
        raise exception '% cannot go from % to %', new.entity, new.from_state, new.to_state
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger event_log_is_legal before insert on event_log
    for each row execute function refuse_illegal_move();
"""


def make_append_only(table: str) -> None:
    """Refuse every change of a table's rows, whoever asks."""
    op.execute(
        f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
        "for each statement execute function refuse_change()"
    )


def upgrade() -> None:
    op.execute(APPEND_ONLY)
    op.execute("create extension if not exists pg_trgm")
    op.create_table(
        "idempotency_keys",
        sa.Column("principal_id", sa.Uuid(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resource_id", sa.Uuid()),
        sa.Column("response_status", sa.Integer()),
        sa.Column("response_headers", postgresql.JSONB()),
        sa.Column("response_body", sa.LargeBinary()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('in_progress', 'done')", name="state"),
        sa.PrimaryKeyConstraint("principal_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
    op.create_table(
        "legal_moves",
        sa.Column("entity", sa.Text()),
        sa.Column("from_state", sa.Text()),
        sa.Column("to_state", sa.Text()),
        sa.PrimaryKeyConstraint("entity", "from_state", "to_state", name="pk_legal_moves"),
    )
    op.create_table(
        "event_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.Text()),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_log"),
        sa.UniqueConstraint(
            "entity", "entity_id", "sequence", name="uq_event_log_entity_entity_id_sequence"
        ),
    )
    op.create_index("ix_event_log_subject_id_at_id", "event_log", ["subject_id", "at", "id"])
    op.execute(LEGAL_MOVE)
    make_append_only("event_log")
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
