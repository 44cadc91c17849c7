"""Reconciliation: statements and their lines, runs, findings, differences and their corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "missing_in_ledger",
    "missing_in_gateway",
    "amount_mismatch",
    "status_mismatch",
    "duplicate_capture",
    "duplicate_line",
    "refund_missing_in_ledger",
    "refund_missing_in_gateway",
    "refund_amount_mismatch",
    "fee_mismatch",
    "payout_mismatch",
    "biller_missing",
    "biller_extra",
    "biller_amount_mismatch",
)
LINES = (
    "charge",
    "refund",
    "refund_failed",
    "dispute",
    "dispute_reversed",
    "fee",
    "payout",
    "other",
    "posting",
    "credit",
    "debit",
)
FAMILIES = (
    "capture",
    "refund",
    "dispute",
    "fee",
    "payout",
    "other",
    "posting",
    "credit",
    "debit",
)
STATES = ("in_transit", "open", "assigned", "explained", "adjusted", "closed")


def _one_of(column: str, *words: str) -> sa.CheckConstraint:
    names = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({names})", name=column)


def _record() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
    ]


def _figures() -> list[sa.Column[object]]:
    return [
        sa.Column("theirs_amount", sa.BigInteger()),
        sa.Column("our_amount", sa.BigInteger()),
        sa.Column("currency", sa.Text()),
        sa.Column("line_id", sa.Text()),
        sa.Column("payment_id", sa.Uuid()),
        sa.Column("attempt_id", sa.Uuid()),
        sa.Column("refund_id", sa.Uuid()),
    ]


def _runs() -> None:
    counts = ("line_count", "matched", "found", "in_transit", "resolved")
    op.create_table(
        "reconciliation_runs",
        *_record(),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Uuid()),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_runs"),
        _one_of("status", "requested", "waiting", "done"),
        sa.CheckConstraint("(status = 'done') = (finished_at is not null)", name="finished_at"),
    )
    op.create_index(
        "uq_reconciliation_runs_live",
        "reconciliation_runs",
        ["source", "day"],
        unique=True,
        postgresql_where=sa.text("status in ('requested', 'waiting')"),
    )
    for columns in (["source", "day"], ["requested_at", "id"]):
        name = f"ix_reconciliation_runs_{'_'.join(columns)}"
        op.create_index(name, "reconciliation_runs", columns)


def _statements() -> None:
    op.create_table(
        "channel_statements",
        *_record(),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.Column("supersedes", sa.Uuid()),
        sa.Column("run_id", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_channel_statements"),
        _one_of("status", "staging", "current", "superseded", "discarded"),
        sa.CheckConstraint(
            "status not in ('current', 'superseded') or digest is not null", name="digest"
        ),
    )
    op.create_index(
        "uq_channel_statements_current",
        "channel_statements",
        ["source", "day"],
        unique=True,
        postgresql_where=sa.text("status = 'current'"),
    )
    op.create_index("ix_channel_statements_source_day", "channel_statements", ["source", "day"])
    op.create_table(
        "channel_lines",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("our_id", sa.Uuid()),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("statement_id", "row", name="pk_channel_lines"),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["channel_statements.id"],
            name="fk_channel_lines_statement_id_channel_statements",
        ),
        _one_of("kind", *LINES),
    )
    for columns in (["subject", "source"], ["statement_id", "line_id"]):
        op.create_index(f"ix_channel_lines_{'_'.join(columns)}", "channel_lines", columns)
    op.create_index(
        "ix_channel_lines_credits",
        "channel_lines",
        ["occurred_at"],
        postgresql_where=sa.text("kind = 'credit'"),
    )


def _findings() -> None:
    op.create_table(
        "reconciliation_candidates",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "source", "subject", name="pk_reconciliation_candidates"),
        _one_of("family", *FAMILIES),
        prefixes=["UNLOGGED"],  # a run's work, gone when it ends
    )
    op.create_table(
        "reconciliation_findings",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("is_in_transit", sa.Boolean(), nullable=False),
        *_figures(),
        sa.PrimaryKeyConstraint(
            "run_id", "source", "subject", "kind", "occurrence", name="pk_reconciliation_findings"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliation_runs.id"],
            name="fk_reconciliation_findings_run_id_reconciliation_runs",
        ),
        _one_of("kind", *KINDS),
    )
    op.execute(
        "create trigger reconciliation_findings_is_append_only before update or delete or truncate "
        "on reconciliation_findings for each statement execute function refuse_change()"
    )


def _differences() -> None:
    op.create_table(
        "differences",
        *_record(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        *_figures(),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("resolution", sa.Text()),
        sa.Column("reason_sealed", sa.LargeBinary()),
        sa.Column("explained_by", sa.Uuid()),
        sa.Column("closed_by", sa.Uuid()),
        sa.Column("closed_at", MOMENT),
        sa.Column("booking_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_differences"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliation_runs.id"],
            name="fk_differences_run_id_reconciliation_runs",
        ),
        _one_of("status", *STATES),
        _one_of("kind", *KINDS),
        _one_of("resolution", "later_run", "explained", "adjusted"),
        sa.CheckConstraint(
            "(status in ('explained', 'adjusted', 'closed')) = (resolution is not null)",
            name="resolved",
        ),
        sa.CheckConstraint("(status = 'closed') = (closed_at is not null)", name="closed_at"),
        sa.CheckConstraint("status <> 'assigned' or owner_id is not null", name="owner_id"),
        sa.CheckConstraint(
            "resolution is distinct from 'explained' or "
            "(reason_sealed is not null and explained_by is not null)",
            name="explanation",
        ),
        sa.CheckConstraint("closed_by <> explained_by", name="second_person"),
        sa.CheckConstraint(
            "resolution is distinct from 'explained' or status <> 'closed' "
            "or closed_by is not null",
            name="closed_by",
        ),
        sa.CheckConstraint(
            "resolution is distinct from 'adjusted' or booking_id is not null", name="booking_id"
        ),
    )
    op.create_index(
        "uq_differences_live",
        "differences",
        ["source", "subject", "kind", "occurrence"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    for columns in (["source", "subject"], ["found_at", "id"]):
        op.create_index(f"ix_differences_{'_'.join(columns)}", "differences", columns)


def _adjustments() -> None:
    op.create_table(
        "difference_adjustments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("difference_id", sa.Uuid(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid()),
        sa.Column("booking_id", sa.Uuid()),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_difference_adjustments"),
        sa.ForeignKeyConstraint(
            ["difference_id"],
            ["differences.id"],
            name="fk_difference_adjustments_difference_id_differences",
        ),
        sa.UniqueConstraint("booking_id", name="uq_difference_adjustments_booking_id"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("debit <> credit", name="accounts"),
        sa.CheckConstraint("approved_by <> requested_by", name="second_person"),
        sa.CheckConstraint("(approved_by is null) = (booking_id is null)", name="booking_id"),
        sa.CheckConstraint("approved_by is null or not is_withdrawn", name="is_withdrawn"),
    )
    op.create_index(
        "uq_difference_adjustments_pending",
        "difference_adjustments",
        ["difference_id"],
        unique=True,
        postgresql_where=sa.text("approved_by is null and not is_withdrawn"),
    )


def upgrade() -> None:
    _runs()
    _statements()
    _findings()
    _differences()
    _adjustments()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
