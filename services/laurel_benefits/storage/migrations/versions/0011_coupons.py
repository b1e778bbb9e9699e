"""Coupons of members, counters of how many there are, and the codes of partners."""

from laurel_kit.migrations import execute

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DDL = """
-- How many coupons of a type there are and how many were given. `stock` is the program's number
-- when one was given last, null for as many as wished; the codes are counted beside it.
create table coupon_stock (
    program_id text collate "C" not null,
    coupon_type_id text collate "C" not null,
    stock bigint,
    codes bigint not null default 0,
    issued bigint not null default 0,
    constraint pk_coupon_stock primary key (program_id, coupon_type_id),
    constraint ck_coupon_stock_numbers check (codes >= 0 and issued >= 0)
);

-- How many coupons of a type a member ever got.
create table coupon_counter (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    coupon_type_id text collate "C" not null,
    issued bigint not null default 0,
    constraint pk_coupon_counter primary key (program_id, member_id, coupon_type_id),
    constraint ck_coupon_counter_issued check (issued > 0)
);

-- Coupons with the terms of when they were issued. That one has expired needs no change: it is
-- available, and its time is over.
create table coupon (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    coupon_id uuid not null,
    coupon_type_id text collate "C" not null,
    terms jsonb not null,
    code text not null,
    source text collate "C" not null,
    reference text not null,
    issue_time timestamptz not null,
    expire_time timestamptz not null,
    program_revision text collate "C" not null,
    state text collate "C" not null default 'AVAILABLE',
    order_id text collate "C",
    void_reason text not null default '',
    constraint pk_coupon primary key (program_id, member_id, coupon_id),
    constraint ck_coupon_times check (expire_time > issue_time),
    constraint ck_coupon_state check (
        state in ('AVAILABLE', 'RESERVED', 'REDEEMED', 'VOIDED')
        and (state in ('RESERVED', 'REDEEMED')) = (order_id is not null)
        and (state = 'VOIDED') = (void_reason <> '')
    )
);
create index ix_coupon_order on coupon (program_id, member_id, order_id);

-- Codes of partners, given out in the order in which they came.
create table coupon_code (
    program_id text collate "C" not null,
    coupon_type_id text collate "C" not null,
    code text collate "C" not null,
    position bigint not null,
    coupon_id uuid,
    constraint pk_coupon_code primary key (program_id, coupon_type_id, code)
);
create index ix_coupon_code_position on coupon_code (program_id, coupon_type_id, position);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
