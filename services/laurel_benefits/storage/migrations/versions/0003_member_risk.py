"""How members are judged by those who look for abuse."""

from laurel_kit.migrations import execute

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DDL = """
-- A judgement of a member. The one with the highest position holds until its end, where it has one.
create table member_risk (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    position bigint not null,
    state text collate "C" not null,
    reason text not null,
    maker text not null,
    create_time timestamptz not null,
    expire_time timestamptz,
    constraint pk_member_risk primary key (program_id, member_id, position),
    constraint ck_member_risk_state check (state in ('NORMAL', 'WATCH', 'BLOCKED')),
    constraint ck_member_risk_end check (
        position > 0
        and (expire_time is null or (state <> 'NORMAL' and expire_time > create_time))
    )
);
"""


def upgrade() -> None:
    """Make the table."""
    execute(DDL)
