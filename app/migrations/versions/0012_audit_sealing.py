"""Audit: numbered and authenticated rows, the seals over them, what was retired."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# From the number of a row to its commit the sealer waits (`app.audit.service.sealing`): a statement
# trigger runs before the first row of the statement is given its number.
DECIDED = """
create function hold_audit_horizon() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(7302050);
    return null;
end $$;
create trigger audit_entries_hold_horizon before insert on audit_entries
    for each statement execute function hold_audit_horizon();
"""
# Retiring is the owner's: the application has no right to delete, whatever it sets.
KEPT = """
create function refuse_change_of_trail() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('wudang.retiring', true) = 'on' then
        return null;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger audit_entries_is_append_only before update or delete or truncate on audit_entries
    for each statement execute function refuse_change_of_trail();
"""


def upgrade() -> None:
    # No release has written to the first form of this table: its rows prove nothing.
    op.drop_table("audit_entries")
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid()),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("writer", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("result in ('done', 'refused')", name="result"),
        sa.CheckConstraint("sequence > 0", name="sequence"),
        sa.CheckConstraint("length(salt) = 16 and length(mac) = 32", name="sizes"),
        sa.PrimaryKeyConstraint("number", name="pk_audit_entries"),
        sa.UniqueConstraint("id", name="uq_audit_entries_id"),
        sa.UniqueConstraint("writer", "sequence", name="uq_audit_entries_writer_sequence"),
    )
    for columns in (("subject_id", "number"), ("event", "number"), ("actor", "number"), ("at",)):
        name = f"ix_audit_entries_{'_'.join(columns)}"
        op.create_index(name, "audit_entries", list(columns))
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("forged", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("last >= first and first > 0", name="bounds"),
        sa.CheckConstraint("entries between 1 and 10000", name="entries"),
        sa.CheckConstraint("length(leaves) = 32 * entries", name="leaves"),
        sa.CheckConstraint("length(root) = 32 and length(signature) = 64", name="sizes"),
        sa.PrimaryKeyConstraint("number", name="pk_audit_seals"),
        sa.UniqueConstraint("first", name="uq_audit_seals_first"),
        sa.UniqueConstraint("previous", name="uq_audit_seals_previous"),
    )
    op.create_table(
        "audit_retirements",
        sa.Column("through", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(signature) = 64", name="sizes"),
        sa.PrimaryKeyConstraint("through", name="pk_audit_retirements"),
    )
    op.execute(DECIDED)
    op.execute(KEPT)
    for table in ("audit_seals", "audit_retirements"):
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
