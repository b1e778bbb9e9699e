"""The orchard: trees, who helped them, and their harvests."""

from laurel_kit.migrations import execute

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

DDL = """
-- One tree a member; growth in hundredths of a unit, so that nothing of a pour is lost.
create table tree (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    tree_no bigint not null,
    drops bigint not null,
    growth_hundredths bigint not null,
    constraint pk_tree primary key (program_id, member_id),
    constraint ck_tree_numbers check (tree_no > 0 and drops >= 0 and growth_hundredths >= 0)
);

-- A helper counts once a day for a tree, and never for their own.
create table tree_help (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    day date not null,
    helper_id text collate "C" not null,
    device_id text collate "C" not null,
    drops bigint not null,
    help_time timestamptz not null,
    constraint pk_tree_help primary key (program_id, member_id, day, helper_id),
    constraint ck_tree_help_drops check (drops > 0),
    constraint ck_tree_help_other check (helper_id <> member_id)
);

-- One harvest a tree; the postings of points stand in the table of all of them.
create table harvest (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    harvest_id uuid not null,
    tree_no bigint not null,
    harvest jsonb not null,
    state text collate "C" not null,
    constraint pk_harvest primary key (program_id, member_id, harvest_id),
    constraint uq_harvest_tree unique (program_id, member_id, tree_no),
    constraint ck_harvest_state check (state in ('PENDING', 'TAKEN', 'REFUSED'))
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(DDL)
