"""Postings that billers take back, and meters that they load themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"
MOMENT = sa.DateTime(timezone=True)
CHECKS = {
    "bills": {"status": "status in ('open', 'partially_paid', 'paid', 'withdrawn', 'reversed')"},
    "postings": {
        "state": "state in ('unsent', 'sent', 'unclear', 'booked', 'refused', 'reversed')",
        "answer": "(state in ('booked', 'reversed')) = (answer_reference is not null)",
    },
}
# The first migration named these in full, and the naming convention went over them once more.
OLD = {"state": "ck_postings_ck_postings_state", "answer": "ck_postings_ck_postings_answer"}


def upgrade() -> None:
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.drop_constraint(OLD.get(name, f"ck_{table}_{name}"), table, schema=SCHEMA)
            op.create_check_constraint(name, table, condition, schema=SCHEMA)
    op.add_column("bills", sa.Column("again_id", sa.Uuid()), schema=SCHEMA)
    op.add_column("bills", sa.Column("reversed_at", MOMENT), schema=SCHEMA)
    op.create_unique_constraint("uq_bills_again_id", "bills", ["again_id"], schema=SCHEMA)
    op.create_check_constraint(
        "again_id", "bills", "(again_id is null) = (reversed_at is null)", schema=SCHEMA
    )
    op.add_column("postings", sa.Column("reference", sa.Text()), schema=SCHEMA)
    op.add_column(
        "orders",
        sa.Column("letterbox", sa.Text(), nullable=False, server_default=""),
        schema=SCHEMA,
    )
    _make_reversals()
    _make_loads()


def _make_reversals() -> None:
    op.create_table(
        "reversals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("came_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid()),
        sa.Column("reversed_at", MOMENT, nullable=False),
        sa.Column("tried_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_reversals"),
        sa.UniqueConstraint("posting_key", name="uq_reversals_posting_key"),
        sa.ForeignKeyConstraint(
            ["posting_key"], [f"{SCHEMA}.postings.key"], name="fk_reversals_posting_key_postings"
        ),
        sa.CheckConstraint(
            "status in ('owed_again', 'returning', 'returned', 'unreturnable')", name="status"
        ),
        sa.CheckConstraint(
            "reason in ('not_funded', 'wrong_account', 'duplicate', 'bill_cancelled',"
            " 'not_loaded')",
            name="reason",
        ),
        sa.CheckConstraint("came_by in ('desk', 'file', 'inquiry')", name="came_by"),
        sa.CheckConstraint("(came_by = 'inquiry') = (client_id is null)", name="client_id"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_reversals_biller_reversed_at", "reversals", ["biller", "reversed_at"], schema=SCHEMA
    )
    op.create_index(
        "ix_reversals_returning",
        "reversals",
        ["tried_at"],
        postgresql_where=sa.text("status = 'returning'"),
        schema=SCHEMA,
    )


def _make_loads() -> None:
    op.create_table(
        "meter_loads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("ask_after", MOMENT, nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_meter_loads"),
        sa.UniqueConstraint("posting_key", name="uq_meter_loads_posting_key"),
        sa.UniqueConstraint("order_id", name="uq_meter_loads_order_id"),
        sa.ForeignKeyConstraint(
            ["posting_key"], [f"{SCHEMA}.postings.key"], name="fk_meter_loads_posting_key_postings"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], [f"{SCHEMA}.orders.id"], name="fk_meter_loads_order_id_orders"
        ),
        sa.CheckConstraint("status in ('asked', 'loaded', 'failed')", name="status"),
        sa.CheckConstraint("(status = 'asked') = (ended_at is null)", name="ended_at"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_meter_loads_asked",
        "meter_loads",
        ["ask_after"],
        postgresql_where=sa.text("status = 'asked'"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
