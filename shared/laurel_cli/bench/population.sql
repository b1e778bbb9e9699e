-- A population for `laurel bench scoring`, written past the service: a thousand times as fast.
-- Most members have few facts, some have hundreds and a few of them thousands. Facts come month by
-- month for all members, as they would have come in life.

-- name: begin
-- Only the foreign key is left out while it is filled; every row has its member.
select set_config('session_replication_role', 'replica', false),
    set_config('synchronous_commit', 'off', false);

-- name: members
insert into member (program_id, member_id, version, record_time)
select $1, 'p-' || lpad(number::text, 8, '0'), 1, now()
from generate_series(0, $2::integer - 1) as number;

-- name: month
-- $3 facts a member, in 13 months; $4 is the month, counted back from now.
insert into activity (
    program_id, member_id, activity_id, fact_kind, activity_time, order_id, content, digest,
    member_version, record_time
)
select $1, 'p-' || lpad(member::text, 8, '0'), 'a-' || fact, chosen.fact_kind,
    now() - ($4::integer * 30 + chance % 2592000 / 86400.0) * interval '1 day',
    case when chosen.fact_kind = 'purchase' then 'o-' || fact end,
    case
        when chosen.fact_kind = 'purchase' then jsonb_build_object(
            'payments', '[]'::jsonb,
            'lines', jsonb_build_array(jsonb_build_object(
                'line_id', '1', 'sku_id', '', 'shop_id', '', 'category_id', 'c-' || chance % 20,
                'goods_class', 'physical', 'quantity', 1, 'paid', 1000 + chance % 50000
            ))
        )
        else jsonb_build_object(
            'kind', (array['login', 'review', 'answer', 'share', 'jd_pay'])[1 + chance / 100 % 5],
            'subject_id', 's-' || chance % 7
        )
    end,
    decode(md5(fact::text), 'hex'), 1, now()
from generate_series(0, $2::integer - 1) as member
cross join lateral (
    select case
        when member % 50 = 0 then $3::float8 * 31.67
        when member % 50 < 10 then $3::float8 * 1.67
        else $3::float8 / 12
    end / 13 as share
) as size
cross join lateral generate_series(
    floor(size.share * $4::integer)::bigint * 16 + $4::integer,
    floor(size.share * ($4::integer + 1))::bigint * 16 + $4::integer - 1,
    16
) as fact
cross join lateral (
    select abs(hashint8extended(member::bigint * 1000003 + fact, 7)) as chance
) as dice
cross join lateral (
    select case when chance / 7 % 10 < 3 then 'purchase' else 'engagement' end as fact_kind
) as chosen;

-- name: touch
-- A day later: one more fact for one member in a hundred.
with touched as (
    update member
    set version = version + 1
    where program_id = $1 and member_id like 'p-%' and hashtext(member_id) % 100 = 0
    returning member_id, version
)
insert into activity (
    program_id, member_id, activity_id, fact_kind, activity_time, order_id, content, digest,
    member_version, record_time
)
select $1, member_id, 'today', 'engagement', now(), null,
    '{"kind": "login", "subject_id": ""}'::jsonb, decode(md5(member_id), 'hex'), version, now()
from touched;

-- name: pending
-- What RecordActivities says by itself.
update course_day
set day = day - 1, pending = true
where program_id = $1;

-- name: analyze
analyze member, activity, score_course;

-- name: done
select not pending
from course_day
where program_id = $1;

-- name: count
select count(*)
from activity
where program_id = $1;

-- name: floor
-- The least that a score of all facts could cost here: to group them once.
select count(*), sum(facts)
from (
    select member_id, count(*) as facts, sum(length(fact_kind)) as weight
    from activity
    where program_id = $1
    group by member_id
) as grouped;

-- name: export
select member_id, fact_kind
from activity
where program_id = $1
