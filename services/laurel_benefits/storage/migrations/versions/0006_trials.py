"""Trials: terms nobody bought, and the book of their frozen rebate."""

from laurel_kit.migrations import execute

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DDL = """
-- A trial is a term without a quote. Its frozen rebate is a book of its own: every point it has
-- granted is frozen, released to the term that was bought, or forfeited.
alter table membership alter column quote_id drop not null;
alter table membership drop constraint ck_membership_term;
alter table membership add constraint ck_membership_term check (
    expire_time >= start_time and price_fen >= 0
);
alter table membership add column purchase_time timestamptz;
update membership set purchase_time = start_time;
alter table membership alter column purchase_time set not null;
alter table membership add column frozen_state text collate "C";
alter table membership add column frozen_points bigint not null default 0;
alter table membership add column released_points bigint not null default 0;
alter table membership add column forfeited_points bigint not null default 0;
alter table membership add column release_expire_time timestamptz;
alter table membership add column successor_id uuid;
alter table membership add constraint ck_membership_frozen check (
    frozen_points >= 0 and released_points >= 0 and forfeited_points >= 0
    and (frozen_state is null or frozen_state in ('FROZEN', 'RELEASED', 'FORFEITED'))
    and (frozen_state is not null and frozen_state = 'FROZEN' or frozen_points = 0)
    and (frozen_state is null) = (release_expire_time is null)
    and (frozen_state is not null and frozen_state = 'RELEASED') = (successor_id is not null)
    and (frozen_state is null) = (quote_id is not null)
);

-- What an order earned in a trial waits for a purchase; its points count from the release.
alter table order_grant drop constraint ck_order_grant_state;
alter table order_grant add constraint ck_order_grant_state check (
    state in ('PENDING', 'POSTED', 'REFUSED', 'FROZEN', 'FORFEITED')
);
alter table order_grant add column release_time timestamptz;
"""


def upgrade() -> None:
    """Change the tables."""
    execute(DDL)
