"""OAuth: ways from the city's app into clients' pages."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("clients", sa.Column("initiate_login_uri", sa.Text()))
    op.create_table(
        "entry_tickets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("assurance", sa.Text(), nullable=False),
        sa.Column("target_link_uri", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary()),
        sa.Column("hint_digest", sa.LargeBinary()),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT),
        sa.Column("taken_at", MOMENT),
        sa.Column("confirmed_at", MOMENT),
        sa.CheckConstraint(
            "(opened_at is null) = (browser_digest is null) "
            "and (opened_at is null) = (hint_digest is null)",
            name="opened",
        ),
        sa.CheckConstraint("taken_at is null or opened_at is not null", name="taken"),
        sa.CheckConstraint("confirmed_at is null or taken_at is not null", name="confirmed"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name="fk_entry_tickets_client_id_clients"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_entry_tickets"),
        sa.UniqueConstraint("digest", name="uq_entry_tickets_digest"),
        sa.UniqueConstraint("hint_digest", name="uq_entry_tickets_hint_digest"),
    )
    op.create_index(
        "ix_entry_tickets_citizen_id_browser_digest",
        "entry_tickets",
        ["citizen_id", "browser_digest"],
    )
    op.create_index("ix_entry_tickets_expires_at", "entry_tickets", ["expires_at"])
    op.add_column("interactions", sa.Column("entry_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_interactions_entry_id_entry_tickets",
        "interactions",
        "entry_tickets",
        ["entry_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
