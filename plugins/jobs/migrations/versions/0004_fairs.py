"""Job fairs, searches that are kept, and complaints about employers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "plugin_jobs"
MOMENT = sa.DateTime(timezone=True)
SEATED = "status in ('held', 'confirmed', 'checked_in')"


def upgrade() -> None:
    _make_fairs()
    _make_slots()
    _make_booths()
    _make_bookings()
    _make_waits()
    _make_saved_searches()
    _make_reports()


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), schema=SCHEMA)


def _part(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=unique, postgresql_where=sa.text(where), schema=SCHEMA
    )


def _make_fairs() -> None:
    op.create_table(
        "fairs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("booths", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fairs"),
        sa.UniqueConstraint("id", "booths", name="uq_fairs_id_booths"),
        sa.CheckConstraint("status in ('draft', 'published', 'over', 'cancelled')", name="status"),
        sa.CheckConstraint("starts_at < ends_at", name="times"),
        sa.CheckConstraint("booths between 0 and 1000", name="booths"),
        schema=SCHEMA,
    )
    _index("fairs", "status", "starts_at", "id")


def _make_slots() -> None:
    op.create_table(
        "fair_slots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fair_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fair_slots"),
        sa.ForeignKeyConstraint(
            ["fair_id"], [f"{SCHEMA}.fairs.id"], name="fk_fair_slots_fair_id_fairs"
        ),
        sa.UniqueConstraint("fair_id", "starts_at", name="uq_fair_slots_fair_id_starts_at"),
        sa.UniqueConstraint("id", "fair_id", "capacity", name="uq_fair_slots_id_fair_id_capacity"),
        sa.CheckConstraint("starts_at < ends_at", name="times"),
        sa.CheckConstraint("capacity between 1 and 2000", name="capacity"),
        schema=SCHEMA,
    )
    _index("fair_slots", "ends_at")
    _index("fair_slots", "starts_at")


def _make_booths() -> None:
    op.create_table(
        "fair_booths",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fair_id", sa.Uuid(), nullable=False),
        sa.Column("booths", sa.Integer(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("booked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fair_booths"),
        sa.ForeignKeyConstraint(
            ["fair_id", "booths"],
            [f"{SCHEMA}.fairs.id", f"{SCHEMA}.fairs.booths"],
            name="fk_fair_booths_fair_id_booths_fairs",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["employer_id"], [f"{SCHEMA}.employers.id"], name="fk_fair_booths_employer_id_employers"
        ),
        sa.CheckConstraint("status in ('booked', 'cancelled')", name="status"),
        sa.CheckConstraint(
            "number >= 1 and (status != 'booked' or number <= booths)", name="number"
        ),
        schema=SCHEMA,
    )
    booked = "status = 'booked'"
    _part("uq_fair_booths_number", "fair_booths", ["fair_id", "number"], booked, unique=True)
    _part("uq_fair_booths_employer", "fair_booths", ["fair_id", "employer_id"], booked, unique=True)
    _index("fair_booths", "employer_id", "booked_at", "id")


def _make_bookings() -> None:
    op.create_table(
        "fair_bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fair_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("hold_until", MOMENT),
        sa.Column("reminded_at", MOMENT),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fair_bookings"),
        sa.ForeignKeyConstraint(
            ["slot_id", "fair_id", "capacity"],
            [
                f"{SCHEMA}.fair_slots.id",
                f"{SCHEMA}.fair_slots.fair_id",
                f"{SCHEMA}.fair_slots.capacity",
            ],
            name="fk_fair_bookings_slot_id_fair_id_capacity_fair_slots",
            onupdate="CASCADE",
        ),
        sa.CheckConstraint(
            "status in ('held', 'confirmed', 'checked_in', 'expired', 'cancelled', 'no_show')",
            name="status",
        ),
        sa.CheckConstraint(f"seat >= 1 and (not ({SEATED}) or seat <= capacity)", name="seat"),
        sa.CheckConstraint("(status = 'held') = (hold_until is not null)", name="hold_until"),
        sa.CheckConstraint(
            "citizen_reference is not null or status not in ('held', 'confirmed')", name="citizen"
        ),
        schema=SCHEMA,
    )
    _part("uq_fair_bookings_seat", "fair_bookings", ["slot_id", "seat"], SEATED, unique=True)
    _part(
        "uq_fair_bookings_citizen",
        "fair_bookings",
        ["fair_id", "citizen_reference"],
        "status in ('held', 'confirmed')",
        unique=True,
    )
    _index("fair_bookings", "citizen_reference", "made_at", "id")
    _index("fair_bookings", "slot_id", "made_at", "id")
    _part("ix_fair_bookings_held", "fair_bookings", ["hold_until"], "status = 'held'")
    _part(
        "ix_fair_bookings_confirmed",
        "fair_bookings",
        ["slot_id", "reminded_at"],
        "status = 'confirmed'",
    )


def _make_waits() -> None:
    op.create_table(
        "fair_waits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Uuid()),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fair_waits"),
        sa.ForeignKeyConstraint(
            ["slot_id"], [f"{SCHEMA}.fair_slots.id"], name="fk_fair_waits_slot_id_fair_slots"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            [f"{SCHEMA}.fair_bookings.id"],
            name="fk_fair_waits_booking_id_fair_bookings",
        ),
        sa.CheckConstraint(
            "status in ('waiting', 'offered', 'taken', 'left', 'ended')", name="status"
        ),
        sa.CheckConstraint("offers between 0 and 3", name="offers"),
        sa.CheckConstraint("(status = 'offered') = (booking_id is not null)", name="booking"),
        sa.CheckConstraint(
            "citizen_reference is not null or status not in ('waiting', 'offered')", name="citizen"
        ),
        schema=SCHEMA,
    )
    living = "status in ('waiting', 'offered')"
    _part(
        "uq_fair_waits_living", "fair_waits", ["slot_id", "citizen_reference"], living, unique=True
    )
    _part("ix_fair_waits_queue", "fair_waits", ["slot_id", "queued_at", "id"], living)
    _index("fair_waits", "booking_id")
    _index("fair_waits", "citizen_reference", "made_at", "id")


def _make_saved_searches() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("wanted", postgresql.JSONB(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("seen_until", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.UniqueConstraint(
            "citizen_reference", "wanted", name="uq_saved_searches_citizen_reference_wanted"
        ),
        sa.UniqueConstraint(
            "citizen_reference", "place", name="uq_saved_searches_citizen_reference_place"
        ),
        sa.CheckConstraint("place between 1 and 10", name="place"),
        sa.CheckConstraint("seen_until >= saved_at - interval '1 hour'", name="seen_until"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_saved_searches_next_at_citizen_reference",
        "saved_searches",
        ["next_at", "citizen_reference"],
        schema=SCHEMA,
    )


def _make_reports() -> None:
    op.create_table(
        "employer_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary()),
        sa.Column("reported_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_employer_reports"),
        sa.ForeignKeyConstraint(
            ["employer_id"],
            [f"{SCHEMA}.employers.id"],
            name="fk_employer_reports_employer_id_employers",
        ),
        sa.CheckConstraint(
            "status in ('received', 'warned', 'suspended', 'not_founded')", name="status"
        ),
        sa.CheckConstraint(
            "ground in ('fees', 'false_advert', 'discrimination', 'unpaid_wages', 'misused_cv',"
            " 'false_hire', 'other')",
            name="ground",
        ),
        sa.CheckConstraint("(status = 'received') = (decided_at is null)", name="decided_at"),
        sa.CheckConstraint("(decided_at is null) = (decided_by is null)", name="decided_by"),
        sa.CheckConstraint("(citizen_reference is null) = (words_sealed is null)", name="words"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_employer_reports_waiting",
        "employer_reports",
        ["citizen_reference", "employer_id"],
        unique=True,
        postgresql_where=sa.text("status = 'received' and citizen_reference is not null"),
        schema=SCHEMA,
    )
    for column in ("status", "citizen_reference"):
        op.create_index(
            f"ix_employer_reports_{column}_reported_at_id",
            "employer_reports",
            [column, "reported_at", "id"],
            schema=SCHEMA,
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
