"""What points buy: postings of the ledger, counters, redemptions, draws and their seeds."""

from laurel_kit.migrations import execute

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DDL = """
-- Postings that were decided. The ledger's request id is fixed before the first attempt;
-- `attempt_time` is when the relay looks at it next, by the machine's time, and null when the
-- ledger has answered for good.
create table posting (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    ledger_request_id text collate "C" not null,
    source text collate "C" not null,
    source_id text collate "C" not null,
    effect text collate "C" not null,
    asset_id text collate "C" not null,
    amount bigint not null,
    account_id text collate "C" not null,
    effective_time timestamptz not null,
    reason text not null,
    program_revision text collate "C" not null,
    reversed_request_id text collate "C" not null default '',
    state text collate "C" not null default 'PENDING',
    refusal text not null default '',
    commit_token text not null default '',
    attempt_time timestamptz,
    attempts integer not null default 0,
    constraint pk_posting primary key (program_id, member_id, ledger_request_id),
    constraint ck_posting_amount check (amount > 0 and attempts >= 0),
    constraint ck_posting_effect check (
        effect in ('EARN', 'SPEND', 'REVERSAL')
        and (effect = 'REVERSAL') = (reversed_request_id <> '')
    ),
    constraint ck_posting_state check (
        state in ('PENDING', 'POSTED', 'REFUSED')
        and (state = 'PENDING') = (attempt_time is not null)
    )
);
create index ix_posting_source on posting (program_id, member_id, source_id);
create index ix_posting_attempt_time on posting (attempt_time) where attempt_time is not null;

-- What members have used of their limits, and everybody of the program's, by period.
create table member_counter (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    counter_id text collate "C" not null,
    period_key text collate "C" not null,
    used bigint not null default 0,
    constraint pk_member_counter primary key (program_id, member_id, counter_id, period_key),
    constraint ck_member_counter_used check (used >= 0)
);
create table program_counter (
    program_id text collate "C" not null,
    counter_id text collate "C" not null,
    period_key text collate "C" not null,
    used bigint not null default 0,
    constraint pk_program_counter primary key (program_id, counter_id, period_key),
    constraint ck_program_counter_used check (used >= 0)
);

-- Rewards that were had for points.
create table redemption (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    redemption_id uuid not null,
    reward_id text collate "C" not null,
    redemption jsonb not null,
    price_points bigint not null,
    state text collate "C" not null,
    ledger_request_id text collate "C" not null,
    constraint pk_redemption primary key (program_id, member_id, redemption_id),
    constraint uq_redemption_request unique (program_id, member_id, ledger_request_id),
    constraint ck_redemption_price check (price_points > 0),
    constraint ck_redemption_state check (
        state in ('PENDING', 'REDEEMED', 'REFUSED', 'CANCELLED')
    )
);

-- Lots of members, with the lottery as it was.
create table draw (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    draw_id uuid not null,
    lottery_id text collate "C" not null,
    draw jsonb not null,
    state text collate "C" not null,
    ledger_request_id text collate "C" not null,
    constraint pk_draw primary key (program_id, member_id, draw_id),
    constraint uq_draw_request unique (program_id, member_id, ledger_request_id),
    constraint ck_draw_state check (state in ('PENDING', 'DRAWN', 'REFUSED'))
);

-- The secret of each day of a lottery, made before its hash is published and never changed.
create table lottery_seed (
    program_id text collate "C" not null,
    lottery_id text collate "C" not null,
    day date not null,
    seed text not null,
    create_time timestamptz not null,
    constraint pk_lottery_seed primary key (program_id, lottery_id, day),
    constraint ck_lottery_seed_length check (length(seed) = 64)
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
