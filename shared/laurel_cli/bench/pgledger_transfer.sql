\set n random(1, 1000)
select pgledger_create_transfer(
    (select id from bench_account where n = 0), (select id from bench_account where n = :n), 1
);
