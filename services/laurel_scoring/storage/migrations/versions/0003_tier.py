"""Tiers: the levels that members hold by published scores, and overrides of them."""

from laurel_kit.migrations import execute

revision = "0003"
down_revision = "0002"

TIERS = """
-- The latest month that moved tiers by a model. Whoever moves some locks the row: months move them
-- in order, and a correction never meets a settlement.
create table tier_book (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    latest_month date not null,
    constraint pk_tier_book primary key (program_id, model_id)
);

-- What a member holds by publications; who never left the lowest level has no row.
create table tier (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    level_id text collate "C" not null,
    since_time timestamptz not null,
    until_time timestamptz,
    grace_until_time timestamptz,
    month date not null,
    constraint pk_tier primary key (program_id, member_id, model_id),
    constraint ck_tier_until check (until_time > since_time),
    constraint ck_tier_grace check (grace_until_time > since_time)
);

-- Every change with its cause. Changes by a publication name its month, run and value; overrides
-- name who made them and why.
create table tier_change (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    change_id uuid not null,
    change_time timestamptz not null,
    cause text collate "C" not null,
    from_level_id text collate "C" not null,
    to_level_id text collate "C" not null,
    since_time timestamptz not null,
    until_time timestamptz,
    grace_until_time timestamptz,
    month date,
    run integer,
    value bigint,
    revision_id text collate "C" not null,
    reason text not null,
    made_by text not null,
    constraint pk_tier_change primary key (program_id, member_id, model_id, change_id),
    constraint ck_tier_change_cause check (cause in (
        'reached', 'fell', 'renewed', 'grace_began', 'recovered', 'corrected', 'overridden',
        'override_ended'
    )),
    constraint ck_tier_change_publication check (
        (month is null) = (cause in ('overridden', 'override_ended'))
        and (run is null) = (month is null)
        and (value is null) = (month is null)
    )
);

-- Levels laid over what is held; the one made last counts. Without a level it lifts the one before.
create table tier_override (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    override_id uuid not null,
    level_id text collate "C" not null,
    reason text not null,
    made_by text not null,
    start_time timestamptz not null,
    end_time timestamptz not null,
    constraint pk_tier_override primary key (program_id, member_id, model_id, override_id),
    constraint ck_tier_override_span check (
        case when level_id = '' then end_time = start_time else end_time > start_time end
    )
);
"""


def upgrade() -> None:
    execute(TIERS)
