"""The steps of every statement of `month_statements`, whatever the model.

Facts are numbered in the order they happened: comparing names and instants is most of the work
otherwise.
"""

from __future__ import annotations

from laurel_scoring.storage.fact_parts import ASKED, KNOWN

FACTS = f"""{ASKED}), horizon as materialized (
    select wanted.at, make_date(wanted.at / 12, wanted.at % 12 + 1, {{settlement_day}})::timestamp
        at time zone :zone as instant
    from unnest(cast(:months as integer[])) as wanted (at)
), fact as materialized (
    select asked.place, known.fact_kind, known.activity_time, known.order_id, known.content,
        row_number() over (order by known.activity_time, known.activity_id)::int as turn,
        known.day,
        date_part('year', known.day)::int * 12 + date_part('month', known.day)::int - 1 as month
{KNOWN})
"""

PAYMENT = """
    cross join lateral (
        select coalesce(array_agg(part.payment_method), '{{}}'::text[]) as methods,
            coalesce(sum(part.amount), 0) as total{parts}
        from jsonb_to_recordset(fact.content -> 'payments') as part (
            payment_method text, amount bigint
        )
    ) as payment"""

BOUGHT = """
bought as materialized (
    select fact.place, fact.turn, fact.activity_time, fact.order_id, fact.day, fact.month,
        line.line_id, line.sku_id, line.category_id, line.shop_id, line.goods_class, line.quantity,
        line.paid, row_number() over ()::int as number{names}
    from fact
    cross join lateral jsonb_to_recordset(fact.content -> 'lines') as line (
        line_id text, sku_id text, category_id text, shop_id text, goods_class text,
        quantity bigint, paid bigint
    ){payment}
    where fact.fact_kind = 'purchase'
)
"""

BACK = """
back as materialized (
    select fact.place, fact.turn, fact.activity_time, fact.order_id, fact.month, line.line_id,
        line.quantity
    from fact
    cross join lateral jsonb_to_recordset(fact.content -> 'lines') as line (
        line_id text, quantity bigint
    )
    where fact.fact_kind = 'purchase_return'
), gone as materialized (
    select back.place, horizon.at, back.order_id, back.line_id, sum(back.quantity)::bigint as gone
    from back
    join horizon on back.month < horizon.at
    group by back.place, horizon.at, back.order_id, back.line_id
), line as materialized (
    select bought.*, horizon.at, coalesce(gone.gone, 0) as gone,
        case when gone.gone is null then 0
            else div(bought.paid::numeric * gone.gone, bought.quantity)
        end as money
    from bought
    join horizon on bought.month < horizon.at
    left join gone
        on gone.place = bought.place and gone.at = horizon.at
        and gone.order_id = bought.order_id and gone.line_id = bought.line_id
)
"""

DONE = """
done as materialized (
    select place, turn, activity_time, day, month, order_id, content ->> 'kind' as kind,
        coalesce(content ->> 'subject_id', '') as subject_id, content -> 'review_quality' as quality
    from fact
    where fact_kind = 'engagement'
)
"""

ORDERED = """
ordered as materialized (
    select place, order_id, min(day) as day, min(month) as month
    from bought
    group by place, order_id
)
"""

STANDING = """
standing as (
    select distinct on (fact.place, horizon.at, fact.content ->> 'attribute')
        fact.place, horizon.at, fact.turn, fact.activity_time,
        fact.content ->> 'attribute' as attribute, (fact.content ->> 'is_set')::boolean as is_set
    from fact
    join horizon on fact.activity_time <= horizon.instant
    where fact.fact_kind = 'profile_change'
    order by fact.place, horizon.at, fact.content ->> 'attribute', fact.turn desc
)
"""

REPORTS = """
report as materialized (
    select fact.place, fact.turn, fact.activity_time, fact.month, measure.name,
        (fact.content ->> measure.name)::bigint as value
    from fact
    cross join (values ('credit_score'), ('credit_stars')) as measure (name)
    where fact.fact_kind = 'credit_report' and fact.content ->> measure.name is not null
)
"""

AWARD_COLUMNS = """standing.place, standing.at, {rule}, standing.turn, null::date, null::int,
    null, '', '', standing.activity_time, ({points})::bigint, true, null::bigint, null::numeric,
    false, null::int[]"""

CREDIT = """select {columns}
from (
    select distinct on (report.place, horizon.at) report.place, horizon.at, report.turn,
        report.activity_time, report.value
    from report
    join horizon on ({refreshed}) <= horizon.instant
    where report.name = '{name}'
    order by report.place, horizon.at, report.turn desc
) as report
cross join lateral (
    select report.place, report.at, report.turn, report.activity_time
) as standing"""

AWARD = """
    place, at, rule, turn, day, month, order_id, category, shop, activity_time, counted, inside,
    paid, money, everything, numbers
"""

STANDS = """left join lateral (
    select report.value
    from report
    where report.place = units.place and report.name = '{name}'
        and report.activity_time <= units.instant
    order by report.turn desc
    limit 1
) as {name} on true"""

BROKEN = """cross join lateral (
    select count(*) as violations
    from fact
    where fact.place = units.place and fact.fact_kind = 'violation' and fact.month < units.at
        and {inside}
) as broken"""

NET = """
net as materialized (
    select given.*, given.counted - share.taken as points, share.taken
    from {source} as given
    cross join lateral (
        select case
            when given.everything then given.counted
            when coalesce(given.money, 0) = 0 then 0
            else div(given.counted * given.money, given.paid)::bigint
        end as taken
    ) as share
    where given.inside
)
"""

NOT_REACHED = """
reached as (
    select null::int as place, null::int as at, null::timestamptz as time
)
"""

REACHED = """
reached as (
    select net.place, net.at, max(greatest(net.activity_time, last_back.time)) as time
    from net
    left join lateral (
        -- The first return by which all had gone that went back of it.
        select min(step.activity_time) as time
        from (
            select seen.activity_time, bool_and(part.gone >= part.quantity) as everything,
                sum(div(part.paid::numeric * part.gone, part.quantity)) as money
            from (
                select distinct back.turn, back.activity_time
                from back
                where back.place = net.place and back.order_id = net.order_id
                    and back.month < net.at
            ) as seen
            cross join lateral (
                select bought.paid, bought.quantity, coalesce((
                        select sum(back.quantity)
                        from back
                        where back.place = net.place and back.order_id = net.order_id
                            and back.line_id = bought.line_id and back.turn <= seen.turn
                    ), 0) as gone
                from bought
                where bought.turn = net.turn and bought.number = any(net.numbers)
            ) as part
            group by seen.turn, seen.activity_time
        ) as step
        where net.taken = case
            when step.everything then net.counted
            when net.paid is null then 0
            else div(net.counted * step.money, net.paid)
        end
    ) as last_back on net.taken > 0
    where net.counted > 0
    group by net.place, net.at
)
"""

KEEP = """
, course as (
    select valued.place, array_agg(valued.at order by valued.at) as months,
        array_agg(valued.value order by valued.at) as scores,
        array_agg(reached.time order by valued.at) as reached_times
    from valued
    left join reached on reached.place = valued.place and reached.at = valued.at
        and valued.value > 0
    group by valued.place
)
insert into score_course as kept (
    program_id, member_id, model_id, member_version, plan, months, scores, reached_times
)
select :program_id, asked.member_id, :model_id, asked.version, cast(:digest as bytea),
    course.months, course.scores, course.reached_times
from asked
join course on course.place = asked.place
-- In the order of their ids: two who do the same must never wait for each other.
order by asked.member_id
on conflict (program_id, member_id, model_id) do update
set member_version = excluded.member_version, plan = excluded.plan, months = excluded.months,
    scores = excluded.scores, reached_times = excluded.reached_times
where kept.member_version <= excluded.member_version
"""
