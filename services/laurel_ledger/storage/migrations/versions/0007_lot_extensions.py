"""Points that are carried from one lot into another, with a later expiry for example.

What a lot is never changes, so that what was recorded of it is hashed alike for ever: points that
get another expiry go on in a lot that knows its parent. Cohorts count them by themselves, as they
were neither issued anew nor spent.
"""

from laurel_kit.migrations import execute

revision = "0007"
down_revision = "0006"

LOT_EXTENSIONS = """
alter table lot
    add column parent_lot_no integer,
    add constraint ck_lot_parent check (parent_lot_no < lot_no);

alter table cohort
    add column carried_in bigint not null default 0,
    add column carried_out bigint not null default 0,
    drop constraint ck_cohort_counters,
    add constraint ck_cohort_counters check (
        issued >= 0 and spent >= 0 and expired >= 0 and restored >= 0 and reversed >= 0
        and carried_in >= 0 and carried_out >= 0
    );

alter table transaction
    drop constraint ck_transaction_type,
    add constraint ck_transaction_type check (type between 1 and 16);
"""


def upgrade() -> None:
    execute(LOT_EXTENSIONS)
