"""Cards that make up for days on which members did not check in."""

from laurel_kit.migrations import execute

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

DDL = """
-- A card is named by the day that earned it, so that a day earns one; it makes up for one day, and
-- a day is made up for once.
create table make_up_card (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    earn_day date not null,
    last_day date not null,
    used_day date,
    constraint pk_make_up_card primary key (program_id, member_id, earn_day),
    constraint uq_make_up_card_used unique (program_id, member_id, used_day),
    constraint ck_make_up_card_days check (last_day >= earn_day)
);

-- A day that was made up for is in a row with others and pays nothing.
alter table check_in add column made_up boolean not null default false;
alter table check_in add column card_earned boolean not null default false;
alter table check_in drop constraint ck_check_in_numbers;
alter table check_in add constraint ck_check_in_numbers check (
    streak_days > 0
    and attempts >= 0
    and points >= 0
    and (points = 0) = made_up
    and not (made_up and card_earned)
);
"""


def upgrade() -> None:
    """Make the table."""
    execute(DDL)
