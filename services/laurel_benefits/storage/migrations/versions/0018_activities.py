"""Activities with what they pay, what reviews of order lines were paid, and who brought whom."""

from laurel_kit.migrations import execute

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

DDL = """
-- What members did beside buying. Scoring is told of each in the order of `fact_position`;
-- `attempt_time` is when the relay looks at it next, by the machine's time, and null when scoring
-- has answered for good or is told nothing.
create table activity (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    activity_id text collate "C" not null,
    kind text collate "C" not null,
    digest text collate "C" not null,
    activity_time timestamptz not null,
    record_time timestamptz not null,
    draft jsonb not null,
    decision jsonb not null,
    points bigint not null,
    program_revision text collate "C" not null,
    subject_id text collate "C" not null default '',
    approver_id text collate "C" not null default '',
    order_id text collate "C" not null default '',
    line_id text collate "C" not null default '',
    sku_id text collate "C" not null default '',
    order_time timestamptz,
    bad boolean not null default false,
    deleted boolean not null default false,
    fact_state text collate "C" not null default 'PENDING',
    fact_position bigint not null,
    fact_refusal text not null default '',
    attempt_time timestamptz,
    attempts integer not null default 0,
    constraint pk_activity primary key (program_id, member_id, activity_id),
    constraint ck_activity_fact check (
        fact_state in ('PENDING', 'TOLD', 'REFUSED', 'WITHHELD')
        and (fact_state = 'PENDING') = (attempt_time is not null)
        and (fact_state = 'WITHHELD') = (fact_position = 0)
        and fact_position >= 0
        and attempts >= 0
    )
);
create index ix_activity_subject on activity (program_id, member_id, kind, subject_id);
create index ix_activity_sku on activity (program_id, member_id, kind, sku_id)
    where order_id <> '';
create index ix_activity_untold on activity (program_id, member_id, fact_position)
    where fact_state = 'PENDING';
create index ix_activity_attempt_time on activity (attempt_time) where attempt_time is not null;

-- Postings for reviews of a line of an order and for approvals of them: a return of the line and
-- a deletion of the review take them back.
create table line_reward (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    ledger_request_id text collate "C" not null,
    order_id text collate "C" not null,
    line_id text collate "C" not null,
    review_id text collate "C" not null,
    activity_id text collate "C" not null,
    points bigint not null,
    taken boolean not null default false,
    constraint pk_line_reward primary key (program_id, member_id, ledger_request_id),
    constraint ck_line_reward_points check (points > 0)
);
create index ix_line_reward_line on line_reward (program_id, member_id, order_id, line_id);
create index ix_line_reward_review on line_reward (program_id, member_id, review_id);

-- Who was brought by whom: the row of a member says it once, for ever.
create table referral (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    referrer_id text collate "C" not null,
    activity_id text collate "C" not null,
    refer_time timestamptz not null,
    constraint pk_referral primary key (program_id, member_id),
    constraint ck_referral_other check (referrer_id <> member_id)
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
