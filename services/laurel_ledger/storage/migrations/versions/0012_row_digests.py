"""Digests of what stands beside the log: changes of accounts and changes of balances by hand.

A log's batch is closed over its records only, so these rows carry the digest of their own content
and are counted: changes of accounts in the head of their shard, changes by hand for themselves, so
that nobody who posts waits for them. A change of an account says after which record it came: that
tells exactly which postings it was about, whatever clocks say.
"""

from laurel_kit.migrations import execute

revision = "0012"
down_revision = "0011"

DIGESTS = """
alter table account_change
    add column position bigint,
    add column digest bytea;
update account_change c
set position = (
    select coalesce(max(t.position), 0)
    from transaction t
    where t.shard_id = c.shard_id and t.commit_time <= c.change_time
);
update account_change
set digest = sha256(convert_to(jsonb_build_array(
    shard_id, kind, state, account_id, change_no, extract(epoch from change_time), balance_max,
    earn_max, spend_max, maker_id, reason, position
)::text, 'UTF8'));
alter table account_change
    alter column position set not null,
    alter column digest set not null,
    add constraint ck_account_change_position check (position >= 0);

alter table adjustment add column digest bytea;
update adjustment
set digest = sha256(convert_to(jsonb_build_array(
    shard_id, state, program_id, member_id, adjustment_id, asset_id, amount, funding_account_id,
    reason_id, comment, extract(epoch from expire_time), maker_id, extract(epoch from create_time),
    program_revision, checker_id, extract(epoch from decide_time), decision_comment, failure_reason,
    transaction_id
)::text, 'UTF8'));
alter table adjustment alter column digest set not null;

create table adjustment_count (
    shard_id smallint not null,
    adjustments integer not null,
    constraint pk_adjustment_count primary key (shard_id),
    constraint ck_adjustment_count check (adjustments > 0)
);
insert into adjustment_count (shard_id, adjustments)
select shard_id, count(*)
from adjustment
group by shard_id;
"""


def upgrade() -> None:
    execute(DIGESTS)
