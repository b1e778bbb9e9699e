"""Days members have checked in, with what they pay."""

from laurel_kit.migrations import execute

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DDL = """
-- A business day a member has checked in: one row a day, so that no day pays twice. The ledger's
-- request id is fixed before the first attempt; `attempt_time` is when the relay looks at it next,
-- by the machine's time, and null when it is paid or refused for good.
create table check_in (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    day date not null,
    streak_days bigint not null,
    points bigint not null,
    asset_id text collate "C" not null,
    funding_account_id text collate "C" not null,
    ledger_request_id text collate "C" not null,
    check_in_time timestamptz not null,
    program_revision text collate "C" not null,
    state text collate "C" not null default 'PENDING',
    refusal text not null default '',
    commit_token text not null default '',
    attempt_time timestamptz,
    attempts integer not null default 0,
    constraint pk_check_in primary key (program_id, member_id, day),
    constraint uq_check_in_request unique (program_id, member_id, ledger_request_id),
    constraint ck_check_in_numbers check (streak_days > 0 and points > 0 and attempts >= 0),
    constraint ck_check_in_state check (
        state in ('PENDING', 'POSTED', 'REFUSED')
        and (state = 'PENDING') = (attempt_time is not null)
    )
);
create index ix_check_in_attempt_time on check_in (attempt_time) where attempt_time is not null;
"""


def upgrade() -> None:
    """Make the table."""
    execute(DDL)
