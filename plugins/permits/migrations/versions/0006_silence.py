"""Consultations have a time of their own; intakes and they are looked at once by the worker."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("consultations", sa.Column("warn_at", MOMENT), schema=SCHEMA)
    op.add_column(
        "consultations",
        sa.Column("is_silent", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema=SCHEMA,
    )
    op.alter_column("consultations", "is_silent", server_default=None, schema=SCHEMA)
    op.create_check_constraint(
        op.f("ck_consultations_is_silent"),
        "consultations",
        "not is_silent or (opinion is null and coalesce(ended_at >= due_at, false))",
        schema=SCHEMA,
    )
    op.add_column("clock_alarms", sa.Column("consultation_id", sa.Uuid()), schema=SCHEMA)
    op.add_column("clock_alarms", sa.Column("asking", sa.Text()), schema=SCHEMA)
    op.create_foreign_key(
        "fk_clock_alarms_consultation_id_consultations",
        "clock_alarms",
        "consultations",
        ["consultation_id"],
        ["id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
    )
    op.create_check_constraint(
        op.f("ck_clock_alarms_asking"),
        "clock_alarms",
        "(consultation_id is null) = (asking is null)",
        schema=SCHEMA,
    )
    op.drop_constraint(op.f("uq_clock_alarms_clock_id_kind"), "clock_alarms", schema=SCHEMA)
    for column, condition in (
        ("clock_id", "consultation_id is null"),
        ("consultation_id", "consultation_id is not null"),
    ):
        op.create_index(
            f"uq_clock_alarms_{column}_kind",
            "clock_alarms",
            [column, "kind"],
            unique=True,
            schema=SCHEMA,
            postgresql_where=sa.text(condition),
        )
    op.create_index(
        "ix_clock_alarms_asking_raised_at_id",
        "clock_alarms",
        ["asking", "raised_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("asking is not null"),
    )
    # What has a time by now and had none is dated, and seen to, by the worker.
    op.execute(
        "update plugin_permits.clocks set next_at = now() where stopped_at is null and (task_id is"
        " null or task_id in (select id from plugin_permits.tasks where status = 'consulting'))"
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
