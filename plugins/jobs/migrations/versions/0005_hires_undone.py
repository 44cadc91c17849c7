"""Why a hire was undone."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REFUSALS = (
    "'position_filled', 'lacks_skills', 'lacks_experience', 'lacks_qualification', 'lacks_licence',"
    " 'overqualified', 'salary_wish', 'working_hours', 'too_far_away', 'starts_too_late',"
    " 'not_reachable', 'missed_interview', 'position_withdrawn', 'other'"
)
CANCELS = (
    "'vacancy_withdrawn', 'vacancy_removed', 'employer_suspended', 'hire_fell_through',"
    " 'hire_denied', 'hired_by_mistake', 'did_not_start', 'offer_declined'"
)


def upgrade() -> None:
    op.drop_constraint("ck_applications_reason", "applications", schema="plugin_jobs")
    op.create_check_constraint(
        "reason",
        "applications",
        "(reason is null) = (status not in ('refused', 'cancelled'))"
        f" and (status != 'refused' or reason in ({REFUSALS}))"
        f" and (status != 'cancelled' or reason in ({CANCELS}))",
        schema="plugin_jobs",
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
