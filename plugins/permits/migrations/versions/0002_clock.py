"""The working calendar, the clocks of tasks and intakes, and their alarms."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"
MOMENT = sa.DateTime(timezone=True)
NOTICES = Path(__file__).parents[2] / "calendar"


def upgrade() -> None:
    op.create_table(
        "calendar_days",
        sa.Column("version", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("notice_year", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(notice_year is null) != (set_by is null)", name="ck_calendar_days_origin"
        ),
        sa.PrimaryKeyConstraint("version", name="pk_calendar_days"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_calendar_days_notice",
        "calendar_days",
        ["notice_year", "day"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("notice_year is not null"),
    )
    _lay_notices()
    op.create_table(
        "clocks",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("warn_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("calendar_version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status in ('green', 'red', 'yellow')", name="ck_clocks_status"),
        sa.CheckConstraint("stopped_at is null or next_at is null", name="ck_clocks_stopped"),
        sa.CheckConstraint("task_id is null or task_id = id", name="ck_clocks_task_id"),
        sa.CheckConstraint(
            "task_id is not null or application_id = id", name="ck_clocks_application_id"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            [f"{SCHEMA}.applications.id"],
            name="fk_clocks_application_id_applications",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_clocks_task_id_tasks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clocks"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_clocks_next_at",
        "clocks",
        ["next_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("next_at is not null"),
    )
    op.create_index(
        "ix_clocks_calendar_version",
        "clocks",
        ["calendar_version", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("stopped_at is null"),
    )
    op.create_index("ix_clocks_application_id", "clocks", ["application_id"], schema=SCHEMA)
    op.execute(
        "create trigger clocks_move_legally before update of status on plugin_permits.clocks"
        " for each row when (old.status is distinct from new.status)"
        " execute function plugin_permits.refuse_illegal_move('permits_clock')"
    )
    op.create_table(
        "clock_alarms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clock_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("seen_by", sa.Uuid(), nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "kind in ('last_warning', 'overdue', 'warning')", name="ck_clock_alarms_kind"
        ),
        sa.CheckConstraint("(seen_by is null) = (seen_at is null)", name="ck_clock_alarms_seen_at"),
        sa.ForeignKeyConstraint(
            ["clock_id"], [f"{SCHEMA}.clocks.id"], name="fk_clock_alarms_clock_id_clocks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clock_alarms"),
        sa.UniqueConstraint("clock_id", "kind", name="uq_clock_alarms_clock_id_kind"),
        schema=SCHEMA,
    )
    for columns in (["raised_at"], ["lead", "raised_at"], ["department", "raised_at"]):
        op.create_index(
            f"ix_clock_alarms_{'_'.join(columns)}_id",
            "clock_alarms",
            [*columns, "id"],
            schema=SCHEMA,
        )


def _lay_notices() -> None:
    """Fill in the years that are known; those that come later are taken up by the worker."""
    names = ("day", "is_working", "title", "source", "notice_year", "set_at")
    table = sa.table("calendar_days", *(sa.column(name) for name in names), schema=SCHEMA)
    for path in sorted(NOTICES.glob("[0-9]*.toml")):
        notice = tomllib.loads(path.read_text(encoding="utf-8"))
        said: dict[date, tuple[bool, str]] = {}
        for holiday in notice["holidays"]:
            for n in range((holiday["to"] - holiday["from"]).days + 1):
                said[holiday["from"] + timedelta(days=n)] = (False, holiday["title"])
            said |= dict.fromkeys(holiday["working"], (True, holiday["title"]))
        for day in sorted(said):
            is_working, title = said[day]
            op.execute(
                sa.insert(table).values(
                    day=day,
                    is_working=is_working,
                    title=title,
                    source=notice["source"],
                    notice_year=notice["year"],
                    set_at=sa.func.now(),
                )
            )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
