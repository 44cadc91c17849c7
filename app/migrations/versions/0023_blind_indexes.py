"""Blind indexes: names by chance in the tables, and one table that knows them by their HMACs."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# What was stored so far is the HMAC under the first key: each gets its name, in whatever schema it
# stands. Values of another size are what a closing has left.
EARLIER = r"""
do $$
declare
    place record;
begin
    for place in
        select table_schema, table_name, column_name from information_schema.columns
        where column_name like '%\_index' and data_type = 'bytea'
          and (table_schema = 'public' or table_schema like 'plugin\_%')
    loop
        execute format(
            'insert into blind_indexes (name, odd, created_at) '
            'select decode(replace(gen_random_uuid()::text, ''-'', ''''), ''hex''), %1$I, now() '
            'from (select distinct %1$I from %2$I.%3$I where octet_length(%1$I) = 32) earlier '
            'on conflict do nothing',
            place.column_name, place.table_schema, place.table_name
        );
        execute format(
            'update %2$I.%3$I set %1$I = i.name from blind_indexes i where i.odd = %1$I',
            place.column_name, place.table_schema, place.table_name
        );
    end loop;
end $$;
"""
RULES = """
create function check_blind_index() returns trigger language plpgsql as $$
declare
    keys record;
    odd_is_live boolean;
    even_is_live boolean;
begin
    select oldest, newest into keys from blind_index_keys for share;
    odd_is_live := keys.oldest % 2 = 1 or keys.newest % 2 = 1;
    even_is_live := keys.oldest % 2 = 0 or keys.newest % 2 = 0;
    if (new.odd is null and odd_is_live and (tg_op = 'INSERT' or keys.oldest % 2 = 1))
       or (new.even is null and even_is_live and (tg_op = 'INSERT' or keys.oldest % 2 = 0)) then
        raise exception 'a blind index lacks the digest under a live key'
            using errcode = 'check_violation', constraint = 'found_under_every_live_key';
    end if;
    if (new.odd is not null and not odd_is_live and (tg_op = 'INSERT' or old.odd is null))
       or (new.even is not null and not even_is_live and (tg_op = 'INSERT' or old.even is null)) then
        raise exception 'nothing is written under a key that is not live'
            using errcode = 'check_violation', constraint = 'found_under_no_other_key';
    end if;
    if tg_op = 'UPDATE' and (new.name <> old.name or new.odd <> old.odd or new.even <> old.even) then
        raise exception 'a name stays the name of its value'
            using errcode = 'check_violation', constraint = 'the_same_value';
    end if;
    return new;
end $$;
create trigger blind_index_is_found before insert or update on blind_indexes
    for each row execute function check_blind_index();
create function check_blind_index_keys() returns trigger language plpgsql as $$
declare
    lacking boolean := false;
begin
    if tg_op = 'DELETE' or new.oldest < old.oldest or new.newest < old.newest
       or new.newest > old.newest + 1 then
        raise exception 'keys of blind indexes follow one another'
            using errcode = 'check_violation', constraint = 'one_by_one';
    end if;
    if new.newest > old.newest then
        if new.newest % 2 = 1 then
            lacking := exists (select from blind_indexes where odd is not null);
        else
            lacking := exists (select from blind_indexes where even is not null);
        end if;
        if lacking then
            raise exception 'digests of the key before are left'
                using errcode = 'check_violation', constraint = 'the_former_is_cleared';
        end if;
    end if;
    if new.oldest > old.oldest then
        if new.oldest % 2 = 1 then
            lacking := exists (select from blind_indexes where odd is null);
        else
            lacking := exists (select from blind_indexes where even is null);
        end if;
        if lacking then
            raise exception 'not every name is found under the next key'
                using errcode = 'check_violation', constraint = 'every_name_has_moved';
        end if;
    end if;
    return new;
end $$;
create trigger blind_index_keys_move before update or delete on blind_index_keys
    for each row execute function check_blind_index_keys();
"""


def upgrade() -> None:
    op.create_table(
        "blind_indexes",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("odd", sa.LargeBinary()),
        sa.Column("even", sa.LargeBinary()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_blind_indexes"),
        sa.UniqueConstraint("odd", name="uq_blind_indexes_odd"),
        sa.UniqueConstraint("even", name="uq_blind_indexes_even"),
    )
    op.create_table(
        "blind_index_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oldest", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blind_index_keys"),
        sa.CheckConstraint("id = 1", name="one"),
        sa.CheckConstraint("oldest >= 1 and newest - oldest in (0, 1)", name="neighbours"),
    )
    op.execute("insert into blind_index_keys (id, oldest, newest) values (1, 1, 1)")
    op.execute(EARLIER)
    op.execute(RULES)
    # A process of the release before, which knows no names, is refused and makes nobody twice.
    for table, column in (
        ("citizens", "phone_index"),
        ("citizens", "resident_id_index"),
        ("challenges", "phone_index"),
    ):
        op.create_check_constraint(column, table, f"octet_length({column}) <> 32")


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
