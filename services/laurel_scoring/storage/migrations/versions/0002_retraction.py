"""Facts that were taken back."""

from laurel_kit.migrations import execute

revision = "0002"
down_revision = "0001"

RETRACTION = """
-- A fact that was taken back counts no longer, but stays. member_version says with which version of
-- the member it went, so that what was published before can still be explained.
create table retraction (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    activity_id text collate "C" not null,
    reason text not null,
    replacement_id text collate "C" not null,
    member_version bigint not null,
    retract_time timestamptz not null,
    constraint pk_retraction primary key (program_id, member_id, activity_id),
    constraint fk_retraction_activity
        foreign key (program_id, member_id, activity_id) references activity
);
"""


def upgrade() -> None:
    execute(RETRACTION)
