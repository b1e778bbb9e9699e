-- A database for each service, so that none can read its neighbour's tables, and two roles for each database: the
-- owner migrates and is used for nothing else, the other serves calls and may not change tables. What it may do
-- with each table is granted by the migrations.

\getenv ledger_owner_password LAUREL_LEDGER_OWNER_PASSWORD
\getenv ledger_password LAUREL_LEDGER_PASSWORD
\getenv scoring_owner_password LAUREL_SCORING_OWNER_PASSWORD
\getenv scoring_password LAUREL_SCORING_PASSWORD
\getenv benefits_owner_password LAUREL_BENEFITS_OWNER_PASSWORD
\getenv benefits_password LAUREL_BENEFITS_PASSWORD

create role laurel_ledger_owner login password :'ledger_owner_password';
create role laurel_ledger login password :'ledger_password';
create role laurel_scoring_owner login password :'scoring_owner_password';
create role laurel_scoring login password :'scoring_password';
create role laurel_benefits_owner login password :'benefits_owner_password';
create role laurel_benefits login password :'benefits_password';

-- The builtin collation sorts alike everywhere, whatever the machine's libraries.
create database laurel_ledger owner laurel_ledger_owner
    template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8';
create database laurel_scoring owner laurel_scoring_owner
    template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8';
create database laurel_benefits owner laurel_benefits_owner
    template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8';

revoke all on database laurel_ledger from public;
revoke all on database laurel_scoring from public;
revoke all on database laurel_benefits from public;
grant connect on database laurel_ledger to laurel_ledger;
grant connect on database laurel_scoring to laurel_scoring;
grant connect on database laurel_benefits to laurel_benefits;
