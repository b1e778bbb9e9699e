"""What happens to terms after they were bought, and the channels that sell them."""

from laurel_kit.migrations import execute

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DDL = """
-- Suspensions, extensions and the cancellation of a term stand with it.
alter table membership add column channel_id text collate "C";
alter table membership add column changes jsonb not null default '{}';

-- The way of buying that a price is for; null where the plan's own shop sells.
alter table quote add column channel jsonb;

-- What has bought a membership and cannot buy another one, such as a gift code: a row of the
-- program, because a code belongs to nobody before.
create table channel_reference (
    program_id text collate "C" not null,
    channel_id text collate "C" not null,
    reference text collate "C" not null,
    member_id text collate "C" not null,
    membership_id uuid not null,
    constraint pk_channel_reference primary key (program_id, channel_id, reference)
);

-- The membership that gave a benefit which was used.
alter table benefit_use add column membership_id uuid;
create index ix_benefit_use_membership on benefit_use (program_id, member_id, membership_id)
    where membership_id is not null;
"""


def upgrade() -> None:
    """Change the tables."""
    execute(DDL)
