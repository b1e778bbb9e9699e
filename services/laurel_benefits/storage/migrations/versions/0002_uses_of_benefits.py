"""Uses of benefits with the counters of their quotas, and what was decided about them by hand."""

from laurel_kit.migrations import execute

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DDL = """
-- How often a benefit was used in a period. It moves in the commit of the use, and never beyond the
-- limit that held for that use.
create table benefit_counter (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    benefit_id text collate "C" not null,
    period_key text collate "C" not null,
    used bigint not null default 0,
    use_limit bigint not null,
    reset_time timestamptz,
    constraint pk_benefit_counter primary key (program_id, member_id, benefit_id, period_key),
    constraint ck_benefit_counter_used check (used >= 0 and used <= use_limit)
);

-- A benefit that was used once. It is given back by its reversal, once.
create table benefit_use (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    use_id uuid not null,
    benefit_id text collate "C" not null,
    reference text not null,
    period_key text collate "C" not null,
    use_time timestamptz not null,
    value jsonb,
    program_revision text collate "C" not null,
    reverse_time timestamptz,
    reverse_reason text not null default '',
    constraint pk_benefit_use primary key (program_id, member_id, use_id),
    constraint ck_benefit_use_reversal check ((reverse_time is null) = (reverse_reason = ''))
);

-- What was decided by hand about a benefit of a member. The one with the highest position holds.
create table benefit_ruling (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    benefit_id text collate "C" not null,
    position bigint not null,
    kind text collate "C" not null,
    reason text not null,
    maker text not null,
    create_time timestamptz not null,
    expire_time timestamptz,
    constraint pk_benefit_ruling primary key (program_id, member_id, benefit_id, position),
    constraint ck_benefit_ruling_kind check (kind in ('GRANTED', 'WITHHELD', 'WITHDRAWN')),
    constraint ck_benefit_ruling_end check (
        position > 0
        and (expire_time is null) = (kind = 'WITHDRAWN')
        and (expire_time is null or expire_time > create_time)
    )
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
