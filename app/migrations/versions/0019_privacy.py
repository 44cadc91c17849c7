"""Privacy: copies of data, corrections, closings; no payment of a closed account."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

# The row of the payer is held until the payment is committed, so that a closing that holds it first
# is seen, and one that comes later sees the payment.
OPEN_ACCOUNT = """
create function refuse_payment_of_closed_account() returns trigger language plpgsql as $$
declare
    state text;
begin
    select status into state from citizens where id = new.citizen_id for key share;
    if state = 'closed' then
        raise exception 'open_account: the account of the payer is closed'
            using errcode = 'check_violation', constraint = 'open_account';
    end if;
    return new;
end $$;
create trigger payments_of_an_open_account before insert on payments
    for each row execute function refuse_payment_of_closed_account();
"""


def _record() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
    ]


def _exports() -> None:
    op.create_table(
        "exports",
        *_record(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("ready_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("content_sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sa.UniqueConstraint("citizen_id", "day", "number", name="uq_exports_citizen_id_day_number"),
        sa.CheckConstraint("number between 1 and 3", name="number"),
        sa.CheckConstraint("status in ('requested', 'ready', 'failed', 'expired')", name="status"),
        sa.CheckConstraint("(status = 'ready') = (content_sealed is not null)", name="content"),
        sa.CheckConstraint(
            "(status in ('ready', 'expired')) = (expires_at is not null)", name="expires_at"
        ),
    )
    for column, status in (("expires_at", "ready"), ("requested_at", "requested")):
        where = sa.text(f"status = '{status}'")
        op.create_index(f"ix_exports_{column}", "exports", [column], postgresql_where=where)
    op.create_table(
        "export_parts",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("export_id", "plugin", name="pk_export_parts"),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["exports.id"],
            name="fk_export_parts_export_id_exports",
            ondelete="CASCADE",
        ),
    )


def _corrections() -> None:
    op.create_table(
        "corrections",
        *_record(),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("proposed_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("reason_sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        sa.CheckConstraint("status in ('submitted', 'applied', 'declined')", name="status"),
        sa.CheckConstraint("what in ('name', 'other')", name="what"),
        sa.CheckConstraint(
            "(status = 'submitted') = (decided_at is null) "
            "and (decided_at is null) = (decided_by is null)",
            name="decision",
        ),
        sa.CheckConstraint("status <> 'declined' or reason_sealed is not null", name="reason"),
        sa.CheckConstraint("due_at > submitted_at", name="due_at"),
    )
    op.create_index(
        "uq_corrections_open",
        "corrections",
        ["citizen_id", "what"],
        unique=True,
        postgresql_where=sa.text("status = 'submitted'"),
    )
    op.create_index("ix_corrections_due_at_id", "corrections", ["due_at", "id"])
    op.create_index(
        "ix_corrections_citizen_id_submitted_at_id",
        "corrections",
        ["citizen_id", "submitted_at", "id"],
    )


def _closures() -> None:
    op.create_table(
        "closures",
        *_record(),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_closures"),
        sa.CheckConstraint("status in ('pending', 'cancelled', 'closed', 'erased')", name="status"),
        sa.CheckConstraint("due_at > asked_at", name="due_at"),
        sa.CheckConstraint("(status = 'pending') = (ended_at is null)", name="end"),
    )
    op.create_index(
        "uq_closures_pending",
        "closures",
        ["citizen_id"],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_closures_due_at",
        "closures",
        ["due_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_closures_citizen_id_asked_at_id", "closures", ["citizen_id", "asked_at", "id"]
    )
    op.create_table(
        "erasures",
        sa.Column("closure_id", sa.Uuid(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("closure_id", "plugin", name="pk_erasures"),
        sa.ForeignKeyConstraint(
            ["closure_id"], ["closures.id"], name="fk_erasures_closure_id_closures"
        ),
    )


def upgrade() -> None:
    _exports()
    _corrections()
    _closures()
    op.execute(OPEN_ACCOUNT)


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
