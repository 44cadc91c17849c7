"""OAuth: the scopes that stand beside a citizen's consent to a client."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consented_scopes",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "client_id", name="pk_consented_scopes"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name="fk_consented_scopes_client_id_clients"
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
