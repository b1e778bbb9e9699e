"""Orders may be reserved again after a reservation that came to nothing; all of them are kept."""

from laurel_kit.migrations import execute

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

DDL = """
-- `reservation_no` is the place of a reservation among those of its order, from 1. Only the latest
-- one may hold anything: the next is made when it has ended, under the lock of the member.
alter table checkout add column reservation_no integer not null default 1;
alter table checkout alter column reservation_no drop default;
alter table checkout drop constraint pk_checkout;
alter table checkout add constraint pk_checkout
    primary key (program_id, member_id, order_id, reservation_no);
alter table checkout add constraint ck_checkout_reservation check (reservation_no > 0);
"""


def upgrade() -> None:
    """Change the table."""
    execute(DDL)
