"""Certificates: numbered once, never rewritten, and moved only as their machine allows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

GUARD = """
create function guard_certificate() returns trigger language plpgsql as $$
begin
    if not exists (
        select from legal_moves
        where entity = 'certificate' and to_state = new.status
          and from_state = case when tg_op = 'INSERT' then '' else old.status end
    ) and (tg_op = 'INSERT' or old.status <> new.status) then
        raise exception 'a certificate cannot become %', new.status
            using errcode = 'check_violation';
    end if;
    if tg_op = 'UPDATE' and to_jsonb(new) - '{status,version}'::text[]
            is distinct from to_jsonb(old) - '{status,version}'::text[] then
        raise exception 'a certificate is never rewritten' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger certificates_are_guarded before insert or update on certificates
    for each row execute function guard_certificate();
create trigger certificates_stay before delete or truncate on certificates
    for each statement execute function refuse_change();
"""


def upgrade() -> None:
    op.execute("create sequence certificate_places")
    op.create_table(
        "certificates",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("form", postgresql.JSONB(), nullable=False),
        sa.Column("fields_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('issued', 'active', 'suspended', 'revoked', 'expired', 'replaced')",
            name="status",
        ),
        sa.CheckConstraint(
            "number ~ '^[0-9A-Z]{21}[.][0-9A-Z]{18}[.][0-9]{9}[.][0-9]{3}[.][0-9A-Z]$'",
            name="number",
        ),
        sa.CheckConstraint(
            "split_part(number, '.', 3)::int = serial"
            " and split_part(number, '.', 4)::int = edition",
            name="parts",
        ),
        sa.CheckConstraint("serial > 0 and place > 0 and edition between 1 and 999", name="serial"),
        sa.CheckConstraint("(edition = 1) = (replaces_id is null)", name="edition"),
        sa.CheckConstraint("length(reference) between 1 and 64", name="reference"),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["certificates.id"], name="fk_certificates_replaces_id_certificates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_certificates"),
        sa.UniqueConstraint("number", name="uq_certificates_number"),
        sa.UniqueConstraint("plugin", "reference", name="uq_certificates_plugin_reference"),
        sa.UniqueConstraint("serial", "edition", name="uq_certificates_serial_edition"),
        sa.UniqueConstraint("place", name="uq_certificates_place"),
        sa.UniqueConstraint("replaces_id", name="uq_certificates_replaces_id"),
    )
    op.create_index(
        "ix_certificates_citizen_id_issued_at_id", "certificates", ["citizen_id", "issued_at", "id"]
    )
    op.create_index(
        "ix_certificates_valid_until",
        "certificates",
        ["valid_until"],
        postgresql_where=sa.text("status in ('active', 'suspended')"),
    )
    op.create_index(
        "ix_certificates_listed",
        "certificates",
        ["place"],
        postgresql_where=sa.text("status in ('suspended', 'revoked', 'replaced')"),
    )
    op.execute(GUARD)


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
