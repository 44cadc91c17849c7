"""Receipts are numbered by PostgreSQL alone, and a red letter takes back what was returned."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# The owner's function: the application may not write the counter, so no statement of its own
# can skip a number, take one twice or take back more than there is.
NUMBER = """
create function number_receipt() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    original receipts;
    taken bigint;
begin
    if new.number is not null then
        raise exception 'the number of a receipt is given, not chosen'
            using errcode = 'restrict_violation';
    end if;
    if new.original_id is not null then
        select * into original from receipts where id = new.original_id for update;
        if original.original_id is not null or (original.payment_id, original.citizen_id,
            original.currency) is distinct from (new.payment_id, new.citizen_id, new.currency)
        then
            raise exception 'a red letter takes back a receipt of the same payment'
                using errcode = 'check_violation', constraint = 'ck_receipts_original';
        end if;
        select coalesce(sum(amount), 0) into taken from receipts where original_id = original.id;
        if original.amount + taken + new.amount < 0 then
            raise exception 'red letters take back more than the receipt is about'
                using errcode = 'check_violation', constraint = 'ck_receipts_standing';
        end if;
    end if;
    insert into receipt_counters as counter (series, last_number) values (new.series, 1)
        on conflict (series) do update set last_number = counter.last_number + 1
        returning last_number into new.number;
    return new;
end
$$
"""

SERIES = (
    "series = extract(year from issued_at at time zone 'Asia/Shanghai')::int::text "
    "|| case when original_id is null then '' else 'R' end"
)


def upgrade() -> None:
    op.add_column("receipts", sa.Column("original_id", sa.Uuid(), nullable=True))
    op.add_column("receipts", sa.Column("refund_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_receipts_original_id_receipts", "receipts", "receipts", ["original_id"], ["id"]
    )
    op.create_unique_constraint("uq_receipts_refund_id", "receipts", ["refund_id"])
    op.create_index("ix_receipts_original_id", "receipts", ["original_id"])
    op.drop_constraint("uq_receipts_payment_id", "receipts", type_="unique")
    op.create_index(
        "uq_receipts_payment_id",
        "receipts",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("original_id is null"),
    )
    op.create_check_constraint(
        "red_letter", "receipts", "(original_id is null) = (refund_id is null)"
    )
    op.create_check_constraint(
        "amount", "receipts", "case when original_id is null then amount >= 0 else amount < 0 end"
    )
    op.create_check_constraint("series", "receipts", SERIES)
    op.execute(NUMBER)
    op.execute(
        "create trigger receipts_are_numbered before insert on receipts "
        "for each row execute function number_receipt()"
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
