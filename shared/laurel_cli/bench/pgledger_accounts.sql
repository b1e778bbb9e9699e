-- A hot account (0) and a thousand that receive from it.
create table bench_account as
select n, (pgledger_create_account('bench.' || n, 'USD')).id as id
from generate_series(0, 1000) n;
alter table bench_account add primary key (n);
