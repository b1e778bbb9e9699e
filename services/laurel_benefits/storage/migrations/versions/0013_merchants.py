"""Merchants with the points they have left, every change of those, and memberships of shops."""

from laurel_kit.migrations import execute

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DDL = """
-- A merchant never gives more than it has bought: the database holds that too.
create table merchant (
    program_id text collate "C" not null,
    merchant_id text collate "C" not null,
    display_name text not null,
    funding_account_id text collate "C" not null,
    create_time timestamptz not null,
    funded_points bigint not null default 0,
    granted_points bigint not null default 0,
    entries bigint not null default 0,
    constraint pk_merchant primary key (program_id, merchant_id),
    constraint ck_merchant_points check (
        granted_points >= 0 and granted_points <= funded_points and entries >= 0
    )
);

-- Every change of a merchant's account, numbered without gaps, and never changed itself.
create table merchant_entry (
    program_id text collate "C" not null,
    merchant_id text collate "C" not null,
    position bigint not null,
    kind text collate "C" not null,
    points bigint not null,
    balance_points bigint not null,
    reference text not null,
    entry_time timestamptz not null,
    member_id text collate "C",
    ledger_request_id text collate "C",
    paid_fen bigint not null default 0,
    constraint pk_merchant_entry primary key (program_id, merchant_id, position),
    constraint ck_merchant_entry_numbers check (
        points <> 0 and balance_points >= 0 and paid_fen >= 0 and (points < 0) = (kind = 'GRANT')
    ),
    constraint ck_merchant_entry_kind check (kind in ('FUND', 'GRANT', 'RETURN'))
);
create index ix_merchant_entry_time
    on merchant_entry (program_id, merchant_id, entry_time, position);
create unique index ix_merchant_entry_gift on merchant_entry (program_id, ledger_request_id)
    where ledger_request_id is not null;

create table shop_membership (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    shop_program_id text collate "C" not null,
    kind text collate "C" not null,
    joined_shop_id text collate "C" not null,
    external_id text not null,
    join_time timestamptz not null,
    constraint pk_shop_membership primary key (program_id, member_id, shop_program_id),
    constraint ck_shop_membership_kind check (
        kind in ('SINGLE_SHOP', 'JOINT', 'BRAND_EXTERNAL')
    )
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
