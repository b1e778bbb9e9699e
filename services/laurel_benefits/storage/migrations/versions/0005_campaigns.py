"""Campaigns: what they give, what members earned against caps, and when grants fall due.

An order may have a grant for each campaign now, so the key of a grant has the campaign in it.
"""

from laurel_kit.migrations import execute

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DDL = """
-- Points a member earned against a cap, in a period that the key names.
create table earning_counter (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    counter_id text collate "C" not null,
    period_key text collate "C" not null,
    points bigint not null default 0,
    constraint pk_earning_counter primary key (program_id, member_id, counter_id, period_key),
    constraint ck_earning_counter_points check (points >= 0)
);

-- What a campaign has given of its budget: a row of the program, locked last in a member's write.
create table campaign_budget (
    program_id text collate "C" not null,
    campaign_id text collate "C" not null,
    limit_points bigint not null default 0,
    used_points bigint not null default 0,
    constraint pk_campaign_budget primary key (program_id, campaign_id),
    constraint ck_campaign_budget_points check (limit_points >= 0 and used_points >= 0)
);

-- `grant_due_time` is when the grants of an order are paid, in business time, while that is to
-- come; null when they may be paid. `counted` is what returns give back to caps and budgets.
alter table shop_order add column grant_time timestamptz;
update shop_order set grant_time = complete_time;
alter table shop_order alter column grant_time set not null;
alter table shop_order add column grant_due_time timestamptz;
alter table shop_order add column counted jsonb not null default '[]';
create index ix_shop_order_grant_due_time on shop_order (grant_due_time)
    where grant_due_time is not null;

alter table order_grant add column campaign_id text collate "C" not null default '';
alter table order_grant drop constraint pk_order_grant;
alter table order_grant add constraint pk_order_grant
    primary key (program_id, member_id, order_id, kind, campaign_id);
alter table order_grant drop constraint ck_order_grant_kind;
alter table order_grant add constraint ck_order_grant_kind check (
    kind in ('BASE', 'REBATE', 'CAMPAIGN', 'MERCHANT')
    and (campaign_id = '') = (kind in ('BASE', 'REBATE'))
);
"""


def upgrade() -> None:
    """Change the tables."""
    execute(DDL)
