"""Orders that hold points until they are paid, and goods that go back."""

from laurel_kit.migrations import execute

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DDL = """
-- An order from its reservation to its completion or end. `terms` is what was decided then;
-- `state` names what is still to be done in the ledger before that is done. `lapse_time` is when an
-- unpaid order lapses, in business time; `attempt_time` when the relay looks at an unfinished one,
-- by the machine's time.
create table checkout (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    order_id text collate "C" not null,
    terms jsonb not null,
    state text collate "C" not null,
    ending text collate "C" not null,
    create_time timestamptz not null,
    expire_time timestamptz not null,
    commit_time timestamptz,
    end_time timestamptz,
    end_reason text not null,
    refusal text not null,
    returned_points bigint not null default 0,
    forfeited_points bigint not null default 0,
    lapse_time timestamptz,
    attempt_time timestamptz,
    attempts integer not null default 0,
    constraint pk_checkout primary key (program_id, member_id, order_id),
    constraint ck_checkout_state check (
        state in ('RESERVING', 'RESERVED', 'COMMITTING', 'COMMITTED', 'RELEASING', 'REFUNDING',
            'COMPLETED', 'REFUSED', 'LAPSED', 'CANCELLED')
        and (lapse_time is not null) = (state in ('RESERVING', 'RESERVED'))
        and (state = 'RELEASING') <= (ending in ('LAPSED', 'CANCELLED'))
    ),
    constraint ck_checkout_times check (expire_time > create_time and attempts >= 0),
    constraint ck_checkout_points check (returned_points >= 0 and forfeited_points >= 0)
);
create index ix_checkout_lapse_time on checkout (lapse_time) where lapse_time is not null;
create index ix_checkout_attempt_time on checkout (attempt_time) where attempt_time is not null;

-- Goods of an order that went back at once. `steps` are the reversals in the ledger with what came
-- of each, under request ids that are fixed beforehand; `attempt_time` is when the relay looks at
-- an unfinished one, by the machine's time.
create table order_return (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    order_id text collate "C" not null,
    return_no integer not null,
    lines jsonb not null,
    steps jsonb not null,
    frozen_points bigint not null,
    activity_id text collate "C" not null,
    fact_state text collate "C" not null default 'PENDING',
    fact_refusal text not null default '',
    reason text not null,
    return_time timestamptz not null,
    create_time timestamptz not null,
    attempt_time timestamptz,
    attempts integer not null default 0,
    constraint pk_order_return primary key (program_id, member_id, order_id, return_no),
    constraint fk_order_return_order foreign key (program_id, member_id, order_id)
        references shop_order (program_id, member_id, order_id),
    constraint ck_order_return_numbers check (
        return_no > 0 and frozen_points >= 0 and attempts >= 0
    ),
    constraint ck_order_return_fact_state check (fact_state in ('PENDING', 'TOLD', 'REFUSED'))
);
create index ix_order_return_attempt_time on order_return (attempt_time)
    where attempt_time is not null;
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
