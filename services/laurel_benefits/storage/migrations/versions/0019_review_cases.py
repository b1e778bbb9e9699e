"""Rewards that somebody has to look at, and postings whose points wait for a key."""

from laurel_kit.migrations import execute

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

DDL = """
-- Points may be posted and wait for a key; a later posting frees or voids them by that.
alter table posting add column activation_key text collate "C" not null default '';
alter table posting drop constraint ck_posting_effect;
alter table posting add constraint ck_posting_effect check (
    effect in ('EARN', 'SPEND', 'REVERSAL', 'ACTIVATION', 'VOIDING')
    and (effect = 'REVERSAL') = (reversed_request_id <> '')
    and (effect not in ('ACTIVATION', 'VOIDING') or activation_key <> '')
);

-- A reward that somebody has to look at. Whoever raised it, or is the member, does not decide it:
-- the database holds that too.
create table review_case (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    case_id uuid not null,
    activity_id text collate "C" not null,
    kind text collate "C" not null,
    rule_id text collate "C" not null,
    points bigint not null,
    asset_id text collate "C" not null,
    ledger_request_id text collate "C" not null,
    raised_by text not null,
    raise_time timestamptz not null,
    program_revision text collate "C" not null,
    state text collate "C" not null default 'OPEN',
    resolver text not null default '',
    resolve_reason text not null default '',
    resolve_time timestamptz,
    constraint pk_review_case primary key (program_id, member_id, case_id),
    constraint ck_review_case_state check (
        state in ('OPEN', 'APPROVED', 'REJECTED')
        and (state = 'OPEN') = (resolve_time is null)
        and (state = 'OPEN') = (resolver = '')
    ),
    constraint ck_review_case_resolver check (
        state = 'OPEN' or (resolver <> raised_by and resolver <> member_id)
    ),
    constraint ck_review_case_points check (points > 0)
);
create index ix_review_case_state on review_case (program_id, state, case_id);
"""


def upgrade() -> None:
    """Make the table."""
    execute(DDL)
