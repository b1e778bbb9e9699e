"""Levels by invitation: who has the score, who is invited, how many may be."""

from laurel_kit.migrations import execute

revision = "0010"
down_revision = "0009"

INVITATIONS = """
-- The members that were counted with the last publication. Whoever offers or frees a seat of the
-- level locks the row, so that no seat is offered twice.
create table invited_level (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    level_id text collate "C" not null,
    members bigint not null,
    constraint pk_invited_level primary key (program_id, model_id, level_id),
    constraint ck_invited_level_members check (members >= 0)
);

-- A member's way to such a level. One stands at a time; the others lapsed or ended.
create table invitation (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    invitation_id uuid not null,
    level_id text collate "C" not null,
    state text collate "C" not null,
    create_time timestamptz not null,
    answer_until_time timestamptz,
    accept_time timestamptz,
    until_time timestamptz,
    constraint pk_invitation primary key (program_id, member_id, model_id, invitation_id),
    constraint ck_invitation_state
        check (state in ('waiting', 'offered', 'accepted', 'lapsed', 'ended')),
    constraint ck_invitation_offered check (state <> 'offered' or answer_until_time is not null),
    constraint ck_invitation_accepted
        check ((accept_time is not null) = (state in ('accepted', 'ended'))),
    constraint ck_invitation_until check (until_time > accept_time)
);
create unique index uq_invitation_standing
    on invitation (program_id, model_id, level_id, member_id)
    where state in ('waiting', 'offered', 'accepted');

-- Who had the score in the last publication, in the order in which seats are offered.
create table candidate (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    level_id text collate "C" not null,
    place integer not null,
    member_id text collate "C" not null,
    value bigint not null,
    reach_month date not null,
    constraint pk_candidate primary key (program_id, model_id, level_id, place),
    constraint ck_candidate_place check (place >= 1)
);
create unique index uq_candidate_member
    on candidate (program_id, model_id, level_id, member_id);

-- A level by invitation is accepted, and its term ends.
alter table tier_change drop constraint ck_tier_change_cause;
alter table tier_change add constraint ck_tier_change_cause check (cause in (
    'reached', 'fell', 'renewed', 'grace_began', 'recovered', 'corrected', 'overridden',
    'override_ended', 'invitation_accepted', 'invitation_renewed', 'invitation_ended'
));
alter table tier_change drop constraint ck_tier_change_publication;
alter table tier_change add constraint ck_tier_change_publication check (
    (month is null) = (cause in (
        'overridden', 'override_ended', 'invitation_accepted', 'invitation_renewed',
        'invitation_ended'
    ))
    and (run is null) = (month is null)
    and (value is null) = (month is null)
);
"""


def upgrade() -> None:
    execute(INVITATIONS)
