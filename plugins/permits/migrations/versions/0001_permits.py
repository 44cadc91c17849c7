"""Permits: seats, applications, tasks, and what is decided, asked and held in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"
MOMENT = sa.DateTime(timezone=True)
# The event log refuses an illegal move; here a state cannot even be changed beside the log.
ILLEGAL_MOVE = """
create function plugin_permits.refuse_illegal_move() returns trigger language plpgsql as $$
begin
    if new.version != old.version + 1 or not exists (
        select from public.legal_moves
        where entity = tg_argv[0] and from_state = old.status and to_state = new.status
    ) then
        raise exception '% cannot go from % to %', tg_argv[0], old.status, new.status
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
"""
# Only the sealed texts of a decision can be taken out, when its citizen is erased.
CHANGED_DECISION = """
create function plugin_permits.refuse_changed_decision() returns trigger language plpgsql as $$
begin
    raise exception 'decisions are never changed' using errcode = 'restrict_violation';
end $$;
create trigger decisions_stay
    before update of id, task_id, stage, outcome, reason, officer, made_at or delete
    on plugin_permits.decisions for each row
    execute function plugin_permits.refuse_changed_decision();
"""


def upgrade() -> None:
    op.create_table(
        "seats",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("decides_alone", sa.Boolean(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.CheckConstraint("not decides_alone or role = 'decider'", name="decides_alone"),
        sa.CheckConstraint("role in ('clerk', 'decider', 'superior', 'supervisor')", name="role"),
        sa.PrimaryKeyConstraint("staff_id", "role", name="pk_seats"),
        schema=SCHEMA,
    )
    op.create_table(
        "applications",
        sa.Column("citizen_reference", sa.Text(), nullable=True),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("bundle_version", sa.Integer(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("answers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status in ('completed', 'lapsed', 'not_accepted', 'partly_completed', "
            "'refused', 'withdrawn')) = (ended_at is not null)",
            name="ended_at",
        ),
        sa.CheckConstraint(
            "accepted_at is not null or status in ('draft', 'submitted', "
            "'supplement_required', 'not_accepted', 'withdrawn', 'lapsed')",
            name="accepted_at",
        ),
        sa.CheckConstraint("status != 'not_accepted' or reason is not null", name="reason"),
        sa.CheckConstraint(
            "status in ('accepted', 'all_decided', 'completed', 'draft', 'in_progress', "
            "'issuing', 'lapsed', 'not_accepted', 'partly_completed', 'refused', "
            "'submitted', 'supplement_required', 'withdrawn')",
            name="status",
        ),
        sa.CheckConstraint(
            "submitted_at is not null or status in ('draft', 'withdrawn', 'lapsed')",
            name="submitted_at",
        ),
        sa.CheckConstraint(
            "(citizen_reference is null) = (answers_sealed is null)",
            name="answers",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_applications_citizen_reference_created_at_id",
        "applications",
        ["citizen_reference", "created_at", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "ix_applications_drafts",
        "applications",
        ["saved_at"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'draft'"),
    )
    op.create_index(
        "ix_applications_lead_status_submitted_at_id",
        "applications",
        ["lead", "status", "submitted_at", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "ix_applications_to_issue",
        "applications",
        ["id"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("status in ('all_decided', 'issuing')"),
    )
    op.create_table(
        "tasks",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("ready_at", MOMENT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("warn_at", MOMENT, nullable=True),
        sa.Column("lamp", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status in ('approved', 'approved_with_conditions', 'deemed_approved', "
            "'deemed_refused', 'not_applicable', 'refused', 'withdrawn')) = (decided_at "
            "is not null)",
            name="decided_at",
        ),
        sa.CheckConstraint(
            "(status in ('approved', 'approved_with_conditions', 'deemed_approved', "
            "'deemed_refused', 'refused')) = (decision_id is not null)",
            name="decision_id",
        ),
        sa.CheckConstraint(
            "holder is null or status in ('claimed', 'consulting', 'in_review', "
            "'proposed', 'special_procedure', 'supplement_asked')",
            name="holder",
        ),
        sa.CheckConstraint("lamp in ('green', 'red', 'yellow')", name="lamp"),
        sa.CheckConstraint(
            "ready_at is not null or status in ('approved', 'approved_with_conditions', "
            "'deemed_approved', 'deemed_refused', 'not_applicable', 'refused', "
            "'waiting', 'withdrawn')",
            name="ready_at",
        ),
        sa.CheckConstraint("status != 'not_applicable' or reason is not null", name="reason"),
        sa.CheckConstraint(
            "status in ('approved', 'approved_with_conditions', 'claimed', 'consulting', "
            "'deemed_approved', 'deemed_refused', 'in_review', 'not_applicable', "
            "'proposed', 'ready', 'refused', 'special_procedure', 'supplement_asked', "
            "'waiting', 'withdrawn')",
            name="status",
        ),
        sa.CheckConstraint("(holder is null) = (lease_until is null)", name="lease"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            [f"{SCHEMA}.applications.id"],
            name="fk_tasks_application_id_applications",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("application_id", "template", name="uq_tasks_application_id_template"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_tasks_department_status_ready_at_id",
        "tasks",
        ["department", "status", "ready_at", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("officer", sa.Uuid(), nullable=True),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("conditions_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "outcome in ('approved', 'approved_with_conditions', 'deemed_approved', "
            "'deemed_refused', 'refused')",
            name="outcome",
        ),
        sa.CheckConstraint(
            "reason is not null or outcome not in ('refused', 'deemed_refused')",
            name="reason",
        ),
        sa.CheckConstraint("stage in ('final', 'proposed')", name="stage"),
        sa.CheckConstraint("officer is not null or reason is not null", name="officer"),
        sa.ForeignKeyConstraint(
            ["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_decisions_task_id_tasks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("id", "task_id", "outcome", name="uq_decisions_id_task_id_outcome"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_decisions_task_id",
        "decisions",
        ["task_id", "made_at", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "uq_decisions_final",
        "decisions",
        ["task_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("stage = 'final'"),
    )
    op.create_table(
        "supplements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_defect", sa.Boolean(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("materials", postgresql.JSONB(), nullable=False),
        sa.Column("wanted_by", sa.Uuid(), nullable=False),
        sa.Column("wanted_at", MOMENT, nullable=False),
        sa.Column("allowed_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(status = 'answered') = (answered_at is not null)",
            name="answered_at",
        ),
        sa.CheckConstraint(
            "asked_at is not null or status in ('wanted', 'declined', 'ended')",
            name="asked_at",
        ),
        sa.CheckConstraint(
            "number = 1 or allowed_by is not null or status in ('wanted', 'declined', 'ended')",
            name="allowed_by",
        ),
        sa.CheckConstraint(
            "status in ('answered', 'asked', 'declined', 'ended', 'wanted')",
            name="status",
        ),
        sa.CheckConstraint("allowed_by != wanted_by", name="two_people"),
        sa.CheckConstraint("is_defect = (number > 1)", name="is_defect"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            [f"{SCHEMA}.applications.id"],
            name="fk_supplements_application_id_applications",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_supplements_task_id_tasks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_supplements"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_supplements_application_id",
        "supplements",
        ["application_id", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "uq_supplements_intake_number",
        "supplements",
        ["application_id", "number"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("task_id is null and status != 'declined'"),
    )
    op.create_index(
        "uq_supplements_live_intake",
        "supplements",
        ["application_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("task_id is null and status in ('asked', 'wanted')"),
    )
    op.create_index(
        "uq_supplements_live_task",
        "supplements",
        ["task_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("task_id is not null and status in ('asked', 'wanted')"),
    )
    op.create_index(
        "uq_supplements_task_number",
        "supplements",
        ["task_id", "number"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("task_id is not null and status != 'declined'"),
    )
    op.create_table(
        "results",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            [f"{SCHEMA}.applications.id"],
            name="fk_results_application_id_applications",
        ),
        sa.PrimaryKeyConstraint("application_id", name="pk_results"),
        schema=SCHEMA,
    )
    op.create_table(
        "consultations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("question_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("opinion in ('agreed', 'disagreed')", name="opinion"),
        sa.CheckConstraint("(opinion is null) = (answered_by is null)", name="answered_by"),
        sa.CheckConstraint("opinion is null or ended_at is not null", name="ended_at"),
        sa.CheckConstraint("working_days between 1 and 20", name="working_days"),
        sa.ForeignKeyConstraint(
            ["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_consultations_task_id_tasks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consultations"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_consultations_department",
        "consultations",
        ["department", "asked_at", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "ix_consultations_task_id", "consultations", ["task_id", "id"], unique=False, schema=SCHEMA
    )
    op.create_index(
        "uq_consultations_open",
        "consultations",
        ["task_id", "department"],
        unique=True,
        schema=SCHEMA,
        postgresql_where="ended_at is null",
    )
    op.create_table(
        "procedures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("result_sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind in ('expert_review', 'hearing', 'inspection', 'publicity', 'test')",
            name="kind",
        ),
        sa.CheckConstraint("ended_at >= begun_at", name="ended_at"),
        sa.CheckConstraint("working_days >= 1", name="working_days"),
        sa.ForeignKeyConstraint(
            ["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_procedures_task_id_tasks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_procedures"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_procedures_task_id", "procedures", ["task_id", "id"], unique=False, schema=SCHEMA
    )
    op.create_index(
        "uq_procedures_open",
        "procedures",
        ["task_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where="ended_at is null",
    )
    op.create_table(
        "meetings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("departments", postgresql.JSONB(), nullable=False),
        sa.Column("called_by", sa.Uuid(), nullable=False),
        sa.Column("called_at", MOMENT, nullable=False),
        sa.Column("minutes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("is_agreed", sa.Boolean(), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.CheckConstraint("(closed_at is null) = (is_agreed is null)", name="closed_at"),
        sa.ForeignKeyConstraint(
            ["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_meetings_task_id_tasks"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_meetings"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_meetings_task_id", "meetings", ["task_id", "id"], unique=False, schema=SCHEMA
    )
    op.create_index(
        "uq_meetings_open",
        "meetings",
        ["task_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where="closed_at is null",
    )
    op.create_table(
        "meeting_opinions",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.CheckConstraint("opinion in ('agreed', 'disagreed')", name="opinion"),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            [f"{SCHEMA}.meetings.id"],
            name="fk_meeting_opinions_meeting_id_meetings",
        ),
        sa.PrimaryKeyConstraint("meeting_id", "department", name="pk_meeting_opinions"),
        schema=SCHEMA,
    )

    op.create_foreign_key(
        "fk_tasks_decision_id_decisions",
        "tasks",
        "decisions",
        ["decision_id", "id", "status"],
        ["id", "task_id", "outcome"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
    )
    op.execute(ILLEGAL_MOVE)
    for table, entity in (("applications", "permits_application"), ("tasks", "permits_task")):
        op.execute(
            f"create trigger {table}_move_legally before update of status "
            f"on plugin_permits.{table} for each row when (old.status is distinct from new.status) "
            f"execute function plugin_permits.refuse_illegal_move('{entity}')"
        )
    op.execute(CHANGED_DECISION)


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
