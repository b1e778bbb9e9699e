"""How the budgets of funding accounts are divided over the shards.

Each shard issues up to its allowance under the lock of its own head; all of them together are the
budget.
"""

from laurel_kit.migrations import execute

revision = "0015"
down_revision = "0014"

BUDGETS = """
create table funding_allowance (
    shard_id smallint not null,
    program_id text collate "C" not null,
    funding_account_id text collate "C" not null,
    asset_id text collate "C" not null,
    budget bigint not null,
    allowance bigint not null,
    digest bytea not null,
    constraint pk_funding_allowance
        primary key (shard_id, program_id, funding_account_id, asset_id),
    constraint ck_funding_allowance_budget check (budget >= 0)
);
"""


def upgrade() -> None:
    execute(BUDGETS)
