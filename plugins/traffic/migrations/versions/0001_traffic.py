"""Traffic: links, violations, dues, pauses, objections, relief, officers, news to the police."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "plugin_traffic"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "allowances",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tried_by", sa.Text(), nullable=False),
        sa.Column("attempts", postgresql.ARRAY(MOMENT), nullable=False),
        sa.PrimaryKeyConstraint("kind", "tried_by", name="pk_allowances"),
        schema=SCHEMA,
    )
    op.create_table(
        "licences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("archive_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("licence_class", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("ask_after", MOMENT, nullable=False),
        sa.Column("refreshed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_licences"),
        sa.UniqueConstraint("citizen_reference", name="uq_licences_citizen_reference"),
        sa.UniqueConstraint("number_index", name="uq_licences_number_index"),
        schema=SCHEMA,
    )
    op.create_table(
        "officers",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("badge", sa.Text(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("named_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_officers"),
        sa.UniqueConstraint("badge", name="uq_officers_badge"),
        schema=SCHEMA,
    )
    op.create_table(
        "vehicles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("plate_index", sa.LargeBinary(), nullable=False),
        sa.Column("plate_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("engine_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("ask_after", MOMENT, nullable=False),
        sa.Column("refreshed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_vehicles"),
        sa.UniqueConstraint(
            "citizen_reference", "plate_index", name="uq_vehicles_citizen_reference_plate_index"
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_vehicles_plate_index", "vehicles", ["plate_index"], schema=SCHEMA)
    op.create_table(
        "violations",
        sa.Column("notice_no", sa.Text(), nullable=False),
        sa.Column("plate_index", sa.LargeBinary(), nullable=False),
        sa.Column("plate_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("licence_index", sa.LargeBinary()),
        sa.Column("vehicle_class", sa.Text(), nullable=False),
        sa.Column("offence_code", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("speed", postgresql.JSONB()),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("recorder", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("fine", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("notified_at", MOMENT),
        sa.Column("answered_by", sa.Text()),
        sa.Column("decision_no", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("procedure", sa.Text()),
        sa.Column("decided_at", MOMENT),
        sa.Column("served_on", sa.Date()),
        sa.Column("served_by", sa.Text()),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_violations"),
        sa.UniqueConstraint("decision_no", name="uq_violations_decision_no"),
        sa.UniqueConstraint("notice_no", name="uq_violations_notice_no"),
        sa.CheckConstraint(
            "status <> 'decided' or outcome is not null", name=op.f("ck_violations_decided")
        ),
        sa.CheckConstraint(
            "num_nonnulls(decision_no, outcome, decided_at, served_on) in (0, 4)",
            name=op.f("ck_violations_decision"),
        ),
        sa.CheckConstraint("fine between 0 and 100000000", name=op.f("ck_violations_fine")),
        sa.CheckConstraint(
            "outcome in ('penalty', 'warning', 'exempt')", name=op.f("ck_violations_outcome")
        ),
        sa.CheckConstraint(
            "coalesce(outcome, '') = 'penalty' or not status in ('payable', 'overdue', 'deferred', 'instalments', 'reconsideration', 'litigation', 'paid')",
            name=op.f("ck_violations_penalty"),
        ),
        sa.CheckConstraint(
            "outcome <> 'penalty' or fine > 0", name=op.f("ck_violations_penalty_fine")
        ),
        sa.CheckConstraint("points between 0 and 12", name=op.f("ck_violations_points")),
        sa.CheckConstraint(
            "status in ('recorded', 'notified', 'accepted', 'contested', 'decided', 'payable', 'overdue', 'deferred', 'instalments', 'reconsideration', 'litigation', 'paid', 'closed', 'cancelled')",
            name=op.f("ck_violations_status"),
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_violations_licence_index_occurred_at_id",
        "violations",
        ["licence_index", "occurred_at", "id"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_violations_plate_index_occurred_at_id",
        "violations",
        ["plate_index", "occurred_at", "id"],
        schema=SCHEMA,
    )
    op.create_table(
        "contests",
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("statement_sealed", sa.LargeBinary()),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("recorder", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Uuid()),
        sa.Column("reviewer_badge", sa.Text()),
        sa.Column("filed_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("reduced_to", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contests"),
        sa.ForeignKeyConstraint(
            ["violation_id"],
            [f"{SCHEMA}.violations.id"],
            name="fk_contests_violation_id_violations",
        ),
        sa.UniqueConstraint("violation_id", "kind", name="uq_contests_violation_id_kind"),
        sa.CheckConstraint(
            "status in ('submitted', 'evidence_requested', 'under_review') or num_nonnulls(reviewer, decided_at, reason) = 3",
            name=op.f("ck_contests_decided"),
        ),
        sa.CheckConstraint(
            "kind in ('defence', 'reconsideration', 'litigation')", name=op.f("ck_contests_kind")
        ),
        sa.CheckConstraint("reviewer_badge <> recorder", name=op.f("ck_contests_recorder")),
        sa.CheckConstraint(
            "(status = 'reduced') = (reduced_to is not null)", name=op.f("ck_contests_reduced_to")
        ),
        sa.CheckConstraint(
            "(reviewer is null) = (reviewer_badge is null)", name=op.f("ck_contests_reviewer")
        ),
        sa.CheckConstraint(
            "status in ('submitted', 'evidence_requested', 'under_review', 'upheld', 'reduced', 'cancelled')",
            name=op.f("ck_contests_status"),
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_contests_status_filed_at_id", "contests", ["status", "filed_at", "id"], schema=SCHEMA
    )
    op.create_index(
        "uq_contests_violation_id_open",
        "contests",
        ["violation_id"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("status in ('submitted', 'evidence_requested', 'under_review')"),
    )
    op.create_table(
        "dues",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fine", sa.BigInteger(), nullable=False),
        sa.Column("pay_by", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_at", MOMENT),
        sa.Column("paid_amount", sa.BigInteger()),
        sa.PrimaryKeyConstraint("reference", name="pk_dues"),
        sa.ForeignKeyConstraint(
            ["violation_id"], [f"{SCHEMA}.violations.id"], name="fk_dues_violation_id_violations"
        ),
        sa.UniqueConstraint("violation_id", "number", name="uq_dues_violation_id_number"),
        sa.CheckConstraint("fine between 1 and 100000000", name=op.f("ck_dues_fine")),
        sa.CheckConstraint("number between 0 and 99", name=op.f("ck_dues_number")),
        sa.CheckConstraint(
            "num_nonnulls(paid_at, paid_amount) = case status when 'paid' then 2 else 0 end",
            name=op.f("ck_dues_paid"),
        ),
        sa.CheckConstraint(
            "paid_amount between fine and 2 * fine", name=op.f("ck_dues_paid_amount")
        ),
        sa.CheckConstraint("status in ('open', 'paid', 'withdrawn')", name=op.f("ck_dues_status")),
        schema=SCHEMA,
    )
    op.create_table(
        "orders",
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("fine", sa.BigInteger()),
        sa.Column("points", sa.Integer()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text()),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_orders"),
        sa.ForeignKeyConstraint(
            ["violation_id"], [f"{SCHEMA}.violations.id"], name="fk_orders_violation_id_violations"
        ),
        sa.CheckConstraint("fine between 0 and 100000000", name=op.f("ck_orders_fine")),
        sa.CheckConstraint("kind in ('decision', 'change')", name=op.f("ck_orders_kind")),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal is not null)", name=op.f("ck_orders_refusal")
        ),
        sa.CheckConstraint("state in ('waiting', 'done', 'refused')", name=op.f("ck_orders_state")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_orders_waiting",
        "orders",
        ["made_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_orders_violation_id_decision",
        "orders",
        ["violation_id"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("kind = 'decision' and state <> 'refused'"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
        sa.ForeignKeyConstraint(
            ["violation_id"], [f"{SCHEMA}.violations.id"], name="fk_pauses_violation_id_violations"
        ),
        sa.CheckConstraint(
            "cause in ('reconsideration', 'litigation', 'deferral')", name=op.f("ck_pauses_cause")
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_pauses_days")),
        schema=SCHEMA,
    )
    op.create_index("ix_pauses_violation_id", "pauses", ["violation_id"], schema=SCHEMA)
    op.create_index(
        "uq_pauses_violation_id_open",
        "pauses",
        ["violation_id", "cause"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("last_day is null"),
    )
    op.create_table(
        "reliefs",
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("statement_sealed", sa.LargeBinary()),
        sa.Column("pay_later_by", sa.Date()),
        sa.Column("parts", sa.Integer()),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("officer", sa.Uuid()),
        sa.Column("decided_at", MOMENT),
        sa.Column("reason", sa.Text()),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reliefs"),
        sa.ForeignKeyConstraint(
            ["violation_id"], [f"{SCHEMA}.violations.id"], name="fk_reliefs_violation_id_violations"
        ),
        sa.CheckConstraint(
            "num_nonnulls(officer, decided_at, reason) = case status when 'requested' then 0 else 3 end",
            name=op.f("ck_reliefs_decided"),
        ),
        sa.CheckConstraint("kind in ('deferral', 'instalments')", name=op.f("ck_reliefs_kind")),
        sa.CheckConstraint(
            "status in ('requested', 'granted', 'refused')", name=op.f("ck_reliefs_status")
        ),
        sa.CheckConstraint(
            "case kind when 'deferral' then pay_later_by is not null and parts is null else coalesce(parts, 0) between 2 and 24 and pay_later_by is null end",
            name=op.f("ck_reliefs_wish"),
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_reliefs_violation_id", "reliefs", ["violation_id"], schema=SCHEMA)
    op.create_index(
        "uq_reliefs_violation_id_open",
        "reliefs",
        ["violation_id"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_table(
        "postings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fine", sa.BigInteger(), nullable=False),
        sa.Column("surcharge", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paid_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("answer_reference", sa.Text()),
        sa.Column("answered_at", MOMENT),
        sa.Column("refusal", sa.Text()),
        sa.PrimaryKeyConstraint("key", name="pk_postings"),
        sa.ForeignKeyConstraint(
            ["reference"], [f"{SCHEMA}.dues.reference"], name="fk_postings_reference_dues"
        ),
        sa.CheckConstraint(
            "fine > 0 and surcharge >= 0 and amount = fine + surcharge",
            name=op.f("ck_postings_amount"),
        ),
        sa.CheckConstraint(
            "(state = 'booked') = (answer_reference is not null)", name=op.f("ck_postings_answer")
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal is not null)", name=op.f("ck_postings_refusal")
        ),
        sa.CheckConstraint(
            "state in ('unsent', 'sent', 'booked', 'refused')", name=op.f("ck_postings_state")
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_postings_reference_live",
        "postings",
        ["reference"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("state <> 'refused'"),
    )
    op.create_table(
        "returns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("surcharge", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_returns"),
        sa.ForeignKeyConstraint(
            ["reference"], [f"{SCHEMA}.dues.reference"], name="fk_returns_reference_dues"
        ),
        sa.UniqueConstraint("reference", "reason", name="uq_returns_reference_reason"),
        sa.CheckConstraint(
            "amount > 0 and surcharge between 0 and amount", name=op.f("ck_returns_amount")
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'done', 'refused')", name=op.f("ck_returns_state")
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_returns_waiting",
        "returns",
        ["decided_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
