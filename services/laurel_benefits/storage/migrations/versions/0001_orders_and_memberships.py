"""Orders with what they earned, memberships with the quotes they were bought by, and what was seen.

Every key starts with (program_id, member_id), and one write touches one member.
"""

from laurel_kit.migrations import execute
from laurel_kit.schema import KIT_DDL_0001

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DDL = """
-- A member this service has written of. The row is locked by every write of the member, so that
-- counters and terms are never decided on twice, and it counts the facts that scoring is told.
create table member (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    facts_recorded bigint not null default 0,
    create_time timestamptz not null,
    constraint pk_member primary key (program_id, member_id),
    constraint ck_member_facts check (facts_recorded >= 0)
);

-- What a delivered order earned, stored before anything is paid or told. `attempt_time` is when the
-- relay looks at it next, by the machine's time; it is null when nothing is left to do.
create table shop_order (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    order_id text collate "C" not null,
    draft jsonb not null,
    complete_time timestamptz not null,
    line_earnings jsonb not null,
    membership_id uuid,
    activity_id text collate "C" not null,
    fact_position bigint not null,
    fact_state text collate "C" not null default 'PENDING',
    fact_refusal text not null default '',
    program_revision text collate "C" not null,
    create_time timestamptz not null,
    attempt_time timestamptz,
    attempts integer not null default 0,
    constraint pk_shop_order primary key (program_id, member_id, order_id),
    constraint uq_shop_order_fact unique (program_id, member_id, fact_position),
    constraint ck_shop_order_fact_state check (fact_state in ('PENDING', 'TOLD', 'REFUSED')),
    constraint ck_shop_order_attempts check (fact_position > 0 and attempts >= 0)
);
create index ix_shop_order_attempt_time on shop_order (attempt_time) where attempt_time is not null;
create index ix_shop_order_untold on shop_order (program_id, member_id, fact_position)
    where fact_state = 'PENDING';

-- The postings of an order. The ledger's request id is fixed before the first attempt, so that a
-- repeat finds the first one.
create table order_grant (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    order_id text collate "C" not null,
    kind text collate "C" not null,
    asset_id text collate "C" not null,
    funding_account_id text collate "C" not null,
    points bigint not null,
    ledger_request_id text collate "C" not null,
    state text collate "C" not null default 'PENDING',
    refusal text not null default '',
    commit_token text not null default '',
    constraint pk_order_grant primary key (program_id, member_id, order_id, kind),
    constraint uq_order_grant_request unique (program_id, member_id, ledger_request_id),
    constraint fk_order_grant_order foreign key (program_id, member_id, order_id)
        references shop_order (program_id, member_id, order_id),
    constraint ck_order_grant_kind check (kind in ('BASE', 'REBATE')),
    constraint ck_order_grant_points check (points > 0),
    constraint ck_order_grant_state check (state in ('PENDING', 'POSTED', 'REFUSED'))
);

-- A term a member bought. Its terms are kept with it; the rebate counter moves in the commit of the
-- order that earns, and never beyond the cap (F6).
create table membership (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    membership_id uuid not null,
    plan_id text collate "C" not null,
    start_time timestamptz not null,
    expire_time timestamptz not null,
    price_fen bigint not null,
    quote_id uuid not null,
    evidence jsonb not null,
    payment_reference text not null,
    terms jsonb not null,
    rebate_cap_points bigint,
    rebate_granted_points bigint not null default 0,
    program_revision text collate "C" not null,
    constraint pk_membership primary key (program_id, member_id, membership_id),
    constraint uq_membership_quote unique (program_id, member_id, quote_id),
    constraint ck_membership_term check (expire_time > start_time and price_fen >= 0),
    constraint ck_membership_rebate check (
        rebate_granted_points >= 0
        and (rebate_cap_points is null or rebate_granted_points <= rebate_cap_points)
    )
);
create index ix_membership_term on membership (program_id, member_id, expire_time);

-- A price that was kept for a while; `membership_id` is what was bought by it.
create table quote (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    quote_id uuid not null,
    plan_id text collate "C" not null,
    price_fen bigint not null,
    band_score_from bigint not null,
    terms jsonb not null,
    evidence jsonb not null,
    create_time timestamptz not null,
    expire_time timestamptz not null,
    program_revision text collate "C" not null,
    membership_id uuid,
    constraint pk_quote primary key (program_id, member_id, quote_id),
    constraint ck_quote_price check (price_fen >= 0 and expire_time > create_time)
);

-- The standing scoring gave last, for decisions while it does not answer.
create table seen_standing (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    source text collate "C" not null,
    standing jsonb not null,
    seen_time timestamptz not null,
    constraint pk_seen_standing primary key (program_id, member_id, model_id, source),
    constraint ck_seen_standing_source check (source in ('LIVE', 'PUBLISHED'))
);
"""


def upgrade() -> None:
    """Make the tables of the kit and of this service."""
    execute(KIT_DDL_0001)
    execute(DDL)
