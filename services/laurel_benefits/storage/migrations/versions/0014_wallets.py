"""Cash: what checking in pays beside points, and what was paid out of wallets."""

from laurel_kit.migrations import execute

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

DDL = """
-- Null where the ladder has no cash for the day. The budget is counted in program_counter.
alter table check_in add column cash jsonb;

-- Cash that was taken out of wallets; the postings stand in the table of all of them.
create table pay_out (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    pay_out_id uuid not null,
    pay_out jsonb not null,
    amount_fen bigint not null,
    state text collate "C" not null,
    ledger_request_id text collate "C" not null,
    constraint pk_pay_out primary key (program_id, member_id, pay_out_id),
    constraint uq_pay_out_request unique (program_id, member_id, ledger_request_id),
    constraint ck_pay_out_amount check (amount_fen > 0),
    constraint ck_pay_out_state check (state in ('PENDING', 'PAID', 'REFUSED'))
);
"""


def upgrade() -> None:
    """Add the column and make the table."""
    execute(DDL)
