"""Cohorts and periods: what is owed by month of issue and of expiry, and months that are closed.

Why this shape: the liability of millions of lots is the sum of a few rows that each batch keeps,
under the lock it has anyway. A lot fills over many months; its column `months` says from which of
its points on each began, so that a spending knows which cohort it takes from. Lots that exist
already count as issued in the month they were opened. A closed period bumps a number in every head,
so that a batch learns of it from the row it locks, without another query.
"""

from laurel_kit.migrations import execute

revision = "0002"
down_revision = "0001"

COHORTS = """
create table cohort (
    shard_id smallint not null,
    issue_month date not null,
    expire_month date,
    program_id text collate "C" not null,
    asset_id text collate "C" not null,
    funding_account_id text collate "C" not null,
    issued bigint not null,
    spent bigint not null,
    expired bigint not null,
    constraint ck_cohort_counters check (issued >= 0 and spent >= 0 and expired >= 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
create unique index ix_cohort_name on cohort (
    shard_id, program_id, asset_id, funding_account_id, issue_month, expire_month
) nulls not distinct;

alter table lot add column months bytea;
update lot
set months = int2send(coalesce(
        extract(year from (expire_time - interval '1 microsecond') at time zone 'UTC') * 12
            + extract(month from (expire_time - interval '1 microsecond') at time zone 'UTC') - 1,
        -1
    )::smallint)
    || int2send((
        extract(year from create_time at time zone 'UTC') * 12
            + extract(month from create_time at time zone 'UTC') - 1
    )::smallint)
    || int8send(0);
alter table lot alter column months set not null;

insert into cohort (
    shard_id, program_id, asset_id, funding_account_id, issue_month, expire_month, issued, spent,
    expired
)
select
    l.shard_id, a.program_id, a.asset_id, f.holder_id,
    date_trunc('month', l.create_time at time zone 'UTC')::date,
    date_trunc('month', (l.expire_time - interval '1 microsecond') at time zone 'UTC')::date,
    sum(l.earned), sum(l.consumed - void.points), sum(void.points)
from lot l
join account a on a.shard_id = l.shard_id and a.account_id = l.account_id
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
cross join lateral (
    select coalesce(sum(-v.amount), 0) as points
    from transaction t
    cross join lateral (
        select t.lot_no, -t.amount as amount
        where t.lot_no is not null
        union all
        select s.lot_no, s.amount
        from lot_movement s
        where t.lot_no is null and s.shard_id = t.shard_id and s.account_id = t.account_id
            and s.version = t.version
    ) v
    where l.expired and t.shard_id = l.shard_id and t.account_id = l.account_id and t.type = 3
        and v.lot_no = l.lot_no
) void
group by 1, 2, 3, 4, 5, 6;
"""

PERIODS = """
-- Nothing that happened before end_time is posted any more. The seal is the digest of the content:
-- the trial balance, the cohorts and the ends of the chains when it was closed.
create table period (
    program_id text collate "C" not null,
    end_time timestamptz not null,
    start_time timestamptz,
    close_time timestamptz not null,
    seal bytea not null,
    content text not null,
    constraint pk_period primary key (program_id, end_time),
    constraint ck_period_span check (start_time < end_time and end_time <= close_time),
    constraint ck_period_seal check (seal = sha256(convert_to(content, 'UTF8')))
);
alter table shard_head add column periods_closed integer not null default 0;
"""


def upgrade() -> None:
    execute(COHORTS)
    execute(PERIODS)
