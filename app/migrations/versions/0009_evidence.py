"""Identity: evidence of who somebody is, and no level without it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "phone-code",
    "register-match",
    "phone-owner-match",
    "social-security-card-match",
    "bank-card-match",
    "housing-fund-match",
    "driving-licence-match",
    "face-live",
    "counter",
    "passkey",
)

# Whatever the table of levels says: this is the least that each level stands on. Looked at when the
# transaction ends, so that a level and its evidence may be written in any order.
EARNED = """
create function refuse_unearned_assurance() returns trigger language plpgsql as $$
declare
    who uuid;
    level text;
begin
    if tg_table_name = 'citizens' then
        who := new.id;
    elsif tg_op = 'DELETE' then
        who := old.citizen_id;
    else
        who := new.citizen_id;
    end if;
    select assurance into level from citizens where id = who and status <> 'closed';
    if level in ('verified', 'strong') and not exists (
        select from evidence
        where citizen_id = who and status = 'active' and kind in ('register-match', 'counter')
    ) or level = 'strong' and not exists (
        select from evidence
        where citizen_id = who and status = 'active' and kind in ('counter', 'face-live', 'passkey')
    ) then
        raise exception 'assurance % stands on no active evidence', level
            using errcode = 'check_violation', constraint = 'assurance_has_evidence';
    end if;
    return null;
end $$;
create constraint trigger citizens_assurance_has_evidence
    after insert or update of assurance, status on citizens deferrable initially deferred
    for each row when (new.assurance <> 'basic') execute function refuse_unearned_assurance();
create constraint trigger evidence_carries_assurance
    after update or delete on evidence deferrable initially deferred
    for each row execute function refuse_unearned_assurance();
"""
# What the register or the counter is said to have confirmed names the attempt that it confirmed.
PROVEN = """
create function refuse_unproven_evidence() returns trigger language plpgsql as $$
begin
    if new.kind not in ('phone-code', 'passkey') and not exists (
        select from verifications
        where id = new.reference and citizen_id = new.citizen_id and kind = new.kind
          and status = 'verified'
    ) then
        raise exception 'evidence % names no verification that proved it', new.kind
            using errcode = 'check_violation', constraint = 'evidence_is_proven';
    end if;
    return null;
end $$;
create constraint trigger evidence_is_proven
    after insert on evidence deferrable initially deferred
    for each row execute function refuse_unproven_evidence();
create function refuse_other_evidence() returns trigger language plpgsql as $$
begin
    raise exception 'a piece of evidence ends; it never becomes another one'
        using errcode = 'restrict_violation', constraint = 'evidence_is_what_it_was';
end $$;
create trigger evidence_is_what_it_was before update on evidence for each row
    when ((old.id, old.citizen_id, old.kind, old.source, old.reference, old.obtained_at)
          is distinct from
          (new.id, new.citizen_id, new.kind, new.source, new.reference, new.obtained_at)
          or old.expires_at is distinct from new.expires_at
          or old.confirmed_by is distinct from new.confirmed_by
          or (old.status <> 'active' and new.status is distinct from old.status))
    execute function refuse_other_evidence();
"""
EARLIER = """
insert into evidence (id, status, version, citizen_id, kind, source, reference, obtained_at)
select gen_random_uuid(), 'active', 0, id, 'phone-code', 'code', id, created_at
from citizens where status <> 'closed';
insert into evidence
    (id, status, version, citizen_id, kind, source, reference, obtained_at, expires_at)
select distinct on (v.citizen_id) gen_random_uuid(), 'active', 0, v.citizen_id, 'register-match',
    'register', v.id, v.decided_at, v.decided_at + interval '5 years'
from verifications v join citizens c on c.id = v.citizen_id
where v.status = 'verified' and c.status <> 'closed' and c.assurance <> 'basic'
order by v.citizen_id, v.decided_at desc;
update citizens c set assurance_until = e.expires_at
from evidence e where e.citizen_id = c.id and e.kind = 'register-match';
set constraints all immediate;
"""


def upgrade() -> None:
    op.add_column("citizens", sa.Column("assurance_until", MOMENT))
    op.create_index(
        "ix_citizens_assurance_until",
        "citizens",
        ["assurance_until"],
        postgresql_where=sa.text("assurance_until is not null"),
    )
    op.add_column(
        "verifications",
        sa.Column("kind", sa.Text(), nullable=False, server_default="register-match"),
    )
    op.alter_column("verifications", "kind", server_default=None)
    op.add_column("verifications", sa.Column("remote_reference", sa.Text()))
    op.execute("alter table verifications drop constraint ck_verifications_source")
    op.execute(
        "alter table verifications add constraint ck_verifications_source "
        "check (source in ('register', 'counter'))"
    )
    op.create_index(
        "ix_verifications_open",
        "verifications",
        ["asked_at"],
        postgresql_where=sa.text("status = 'asked'"),
    )
    _sessions()
    _evidence()
    op.execute(EARNED)
    op.execute(PROVEN)
    op.execute(EARLIER)


def _sessions() -> None:
    by_code = sa.text("""'["otp", "sms"]'""")
    op.add_column(
        "sessions", sa.Column("amr", postgresql.JSONB(), nullable=False, server_default=by_code)
    )
    op.alter_column("sessions", "amr", server_default=None)
    op.add_column("sessions", sa.Column("stepped_up_at", MOMENT))
    op.execute(
        "alter table sessions add constraint ck_sessions_amr check (jsonb_array_length(amr) > 0)"
    )


def _evidence() -> None:
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid()),
        sa.Column("obtained_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], name="fk_evidence_citizen_id_citizens"
        ),
        sa.CheckConstraint(f"kind in ({kinds})", name="kind"),
        sa.CheckConstraint("status in ('active', 'expired', 'withdrawn')", name="status"),
        sa.CheckConstraint("(status = 'active') = (ended_at is null)", name="end"),
        sa.CheckConstraint("(kind = 'counter') = (confirmed_by is not null)", name="confirmed_by"),
        sa.CheckConstraint("expires_at > obtained_at", name="lifetime"),
    )
    op.create_index(
        "ix_evidence_citizen_id_obtained_at_id", "evidence", ["citizen_id", "obtained_at", "id"]
    )
    active = sa.text("status = 'active'")
    op.create_index("ix_evidence_expires_at", "evidence", ["expires_at"], postgresql_where=active)
    op.create_index(
        "uq_evidence_active",
        "evidence",
        ["citizen_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status = 'active' and kind <> 'passkey'"),
    )
    op.create_index(
        "uq_evidence_reference",
        "evidence",
        ["kind", "reference"],
        unique=True,
        postgresql_where=active,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
