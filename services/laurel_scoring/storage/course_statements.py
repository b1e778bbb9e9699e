"""The statement that works out courses: the rules of a model over the facts of many members.

It follows the evaluator (`domain/scores.py`) rule by rule, but asks of every fact from which
settlement month on, and until which, it counts. Months are whole numbers: year * 12 + month - 1.
Members, facts and rules are numbered, because comparing names is most of the work otherwise.
"""

from __future__ import annotations

from sqlalchemy import text

from laurel_scoring.storage.fact_parts import ASKED, KNOWN

FOR_EVER = 1_000_000
"""A month that never comes: the end of what a window of a whole life holds."""

FACTS = f"""{ASKED}), fact as materialized (
    select asked.place, row_number() over ()::int as fact, known.activity_id, known.fact_kind,
        known.activity_time, known.order_id, known.content, known.day,
        date_part('year', known.day)::int * 12 + date_part('month', known.day)::int - 1 as month
{KNOWN}), plan as materialized (
    select cast(:plan as jsonb) as parts
)
"""

PURCHASES = """
bought as materialized (
    select fact.place, fact.fact, fact.order_id, fact.day, fact.month, line.line_id,
        line.category_id, line.shop_id, line.sku_id, line.quantity, line.paid
    from fact
    cross join lateral jsonb_to_recordset(fact.content -> 'lines') as line (
        line_id text, category_id text, shop_id text, sku_id text, quantity bigint, paid bigint
    )
    where fact.fact_kind = 'purchase'
), back as materialized (
    -- How many pieces of a line are gone by the end of each month in which some went back.
    select fact.place, fact.order_id, line.line_id, fact.month,
        sum(sum(line.quantity)) over (
            partition by fact.place, fact.order_id, line.line_id order by fact.month
        )::bigint as gone
    from fact
    cross join lateral jsonb_to_recordset(fact.content -> 'lines') as line (
        line_id text, quantity bigint
    )
    where fact.fact_kind = 'purchase_return'
    group by fact.place, fact.order_id, line.line_id, fact.month
), line_back as materialized (
    select bought.fact, bought.line_id, bought.paid, bought.quantity, seen.month as back_month,
        coalesce(max(back.gone), 0) as gone
    from (select distinct place, order_id, month from back) as seen
    join bought on bought.place = seen.place and bought.order_id = seen.order_id
    left join back
        on back.place = bought.place and back.order_id = bought.order_id
        and back.line_id = bought.line_id and back.month <= seen.month
    group by bought.fact, bought.line_id, bought.paid, bought.quantity, seen.month
), emptied as materialized (
    select fact, line_id, min(back_month) as month
    from line_back
    where gone >= quantity
    group by fact, line_id
), trade as materialized (
    select paid.place, paid.fact, paid.month, paid.paid, rule.rule, rule.minor_units,
        paid.month + rule.months + 1 as until,
        coalesce(div(paid.paid * rule.points, rule.minor_units)::bigint, rule.points) as counted
    from (
        select place, fact, month, sum(paid) as paid
        from bought
        group by place, fact, month
    ) as paid
    cross join plan
    cross join jsonb_to_recordset(plan.parts -> 'trades') as rule (
        rule int, points bigint, minor_units bigint, months int
    )
), taken as materialized (
    -- What returns took of an order by the end of a month, floored together (C11).
    select trade.place, trade.month, trade.until, gone.back_month,
        part.share - lag(part.share, 1, 0::bigint) over (
            partition by trade.fact, trade.rule order by gone.back_month
        ) as points
    from (
        select fact, back_month, sum(div(paid::numeric * gone, quantity)) as money,
            bool_and(gone >= quantity) as everything
        from line_back
        group by fact, back_month
    ) as gone
    join trade on trade.fact = gone.fact
    cross join lateral (
        select case
            when gone.everything then trade.counted
            when trade.minor_units is null or trade.paid = 0 then 0
            else div(trade.counted * gone.money, trade.paid)::bigint
        end as share
    ) as part
)
"""

DEEDS = """
deed_rule as materialized (
    select rule.rule, rule.kind, rule.points, rule.months, rule.age, rule.scope, rule.points_max,
        rule.times_max
    from plan
    cross join jsonb_to_recordset(plan.parts -> 'deeds') as rule (
        rule int, kind text, points bigint, months int, age int, scope text, points_max bigint,
        times_max bigint
    )
), ordered as materialized (
    select place, order_id, min(day) as day, min(month) as month
    from bought
    group by place, order_id
), deed_worth as materialized (
    -- Looked up after the deeds are counted: what is counted by few columns is counted fast.
    select distinct rule, points, months, points_max, times_max
    from deed_rule
), young_deed as materialized (
    -- A deed whose order must not be too old counts from when the order is known (C8).
    select fact.place, rule.rule, fact.month, greatest(fact.month, ordered.month) as known_month,
        case when rule.scope = 'day' then fact.day end as bucket, count(*) as new
    from fact
    join deed_rule as rule on rule.kind = fact.content ->> 'kind' and rule.age > 0
    join ordered on ordered.place = fact.place and ordered.order_id = fact.order_id
    where fact.fact_kind = 'engagement'
        and fact.day <= (ordered.day + make_interval(months => rule.age))::date
    group by fact.place, rule.rule, fact.month, known_month, bucket
), any_deed as materialized (
    select fact.place, rule.rule, fact.month, count(*) as done
    from fact
    join deed_rule as rule on rule.kind = fact.content ->> 'kind' and rule.age = 0
    where fact.fact_kind = 'engagement'
    group by fact.place, rule.rule, fact.month, case when rule.scope = 'day' then fact.day end
), deed as materialized (
    select place, months, month, month as known_month,
        sum(least(done * points, points_max, times_max * points))::bigint as points
    from any_deed
    join deed_worth using (rule)
    group by place, months, month
    union all
    select place, months, month, known_month,
        least(done * points, points_max, times_max * points)
            - least((done - new) * points, points_max, times_max * points)
    from (
        select place, rule, month, known_month, new,
            sum(new) over (
                partition by place, rule, month, bucket order by known_month
            )::bigint as done
        from young_deed
    ) as sums
    join deed_worth using (rule)
)
"""

KEYS = """
held as materialized (
    -- What holds a key or a period up, and from when until when; a line does until it is gone.
    select bought.place, rule.rule, name.key, bought.month + 1 as since,
        max(least(bought.month + rule.months + 1, emptied.month + 1, :for_ever)) as until
    from bought
    left join emptied on emptied.fact = bought.fact and emptied.line_id = bought.line_id
    cross join plan
    cross join jsonb_to_recordset(plan.parts -> 'keys') as rule (
        rule int, key text, months int
    )
    cross join lateral (
        select case rule.key
            when 'category_id' then bought.category_id
            when 'shop_id' then bought.shop_id
            when 'sku_id' then bought.sku_id
        end as key
    ) as name
    where name.key <> ''
    group by bought.place, rule.rule, name.key, bought.month
    union all
    select bought.place, rule.rule, (bought.month / rule.period)::text, bought.month + 1,
        max(least(bought.month + rule.months + 1, emptied.month + 1, :for_ever)) as until
    from bought
    left join emptied on emptied.fact = bought.fact and emptied.line_id = bought.line_id
    cross join plan
    cross join jsonb_to_recordset(plan.parts -> 'periods') as rule (
        rule int, period int, needed int, months int
    )
    group by bought.place, rule.rule, rule.period, bought.month,
        case when rule.needed > 1 then bought.day end
), swept as materialized (
    -- How many hold a key up from a month on, and by how many that is more than before.
    select place, rule, at, sum(step) as more,
        sum(sum(step)) over (partition by place, rule, key order by at)::bigint as holding
    from (
        select place, rule, key, since as at, 1 as step
        from held
        where since < until
        union all
        select place, rule, key, until, -1
        from held
        where since < until
    ) as steps
    group by place, rule, key, at
), held_worth as materialized (
    select rule.rule, rule.points, coalesce(rule.needed, 1) as needed
    from plan
    cross join jsonb_to_recordset((plan.parts -> 'keys') || (plan.parts -> 'periods')) as rule (
        rule int, points bigint, needed int
    )
)
"""

STANDING = """
standing as materialized (
    -- What stands at the instant of a settlement counts for it: the first one at or after it.
    select fact.place, fact.fact_kind, fact.activity_time, fact.activity_id, fact.content,
        fact.month, fact.month + (fact.activity_time > (
            make_date(fact.month / 12, fact.month % 12 + 1, (plan.parts ->> 'settlement_day')::int)
                ::timestamp at time zone :zone
        ))::int as at
    from fact
    cross join plan
    where fact.fact_kind in ('profile_change', 'credit_report')
), attribute as (
    select standing.place, standing.at, rule.points * (
        state.held - lag(state.held, 1, 0) over (
            partition by standing.place, rule.rule
            order by standing.activity_time, standing.activity_id
        )
    ) as points
    from standing
    cross join plan
    cross join jsonb_to_recordset(plan.parts -> 'attributes') as rule (
        rule int, name text, points bigint
    )
    cross join lateral (
        select (standing.content ->> 'is_set')::boolean::int as held
    ) as state
    where standing.fact_kind = 'profile_change' and rule.name = standing.content ->> 'attribute'
), report as materialized (
    select standing.place, standing.month, standing.at, standing.activity_time,
        standing.activity_id, measure.name, (standing.content ->> measure.name)::int as value
    from standing
    cross join (values ('credit_score'), ('credit_stars')) as measure (name)
    where standing.fact_kind = 'credit_report' and standing.content ->> measure.name is not null
), credit as (
    -- Nothing reported is -1, as the conditions of ceilings have it.
    select place, at, name, value - lag(value, 1, -1) over (
            partition by place, name order by activity_time, activity_id
        ) as change
    from report
), unit as (
    -- A report may count only from the next refresh day on (B2).
    select report.place,
        case
            when rule.refresh_day = 0 then report.at
            else report.month
                + (rule.refresh_day > (plan.parts ->> 'settlement_day')::int)::int
                + (report.activity_time > (
                    make_date(report.month / 12, report.month % 12 + 1, rule.refresh_day)
                        ::timestamp at time zone :zone
                ))::int
        end as at,
        rule.points * (report.value - lag(report.value, 1, 0) over (
            partition by report.place, rule.rule order by report.activity_time, report.activity_id
        )) as points
    from report
    cross join plan
    cross join jsonb_to_recordset(plan.parts -> 'units') as rule (
        rule int, name text, points bigint, refresh_day int
    )
    where rule.name = report.name
)
"""

STEPS = """
step as (
    select place, month + 1 as at, counted as points, 0 as score, 0 as stars
    from trade
    union all
    select place, until, -counted, 0, 0
    from trade
    union all
    select place, greatest(month, back_month) + 1, -points, 0, 0
    from taken
    where back_month + 1 < coalesce(until, :for_ever)
    union all
    select place, until, points, 0, 0
    from taken
    where back_month + 1 < until
    union all
    select place, known_month + 1, points, 0, 0
    from deed
    where known_month + 1 < coalesce(month + months + 1, :for_ever)
    union all
    select place, month + months + 1, -points, 0, 0
    from deed
    where known_month < month + months
    union all
    select place, at, points * ((holding >= needed)::int - (holding - more >= needed)::int), 0, 0
    from swept
    join held_worth using (rule)
    where (holding >= needed) <> (holding - more >= needed)
    union all
    select place, at, points, 0, 0
    from attribute
    union all
    select place, at, 0, change * (name = 'credit_score')::int,
        change * (name = 'credit_stars')::int
    from credit
    union all
    select place, at, points, 0, 0
    from unit
), running as (
    select place, at, sum(sum(points)) over course as uncut,
        sum(sum(score)) over course - 1 as score, sum(sum(stars)) over course - 1 as stars
    from step
    where at < :for_ever
    group by place, at
    window course as (partition by place order by at)
), valued as (
    select running.place, running.at, least(
        running.uncut::bigint,
        (plan.parts -> 'limits' ->> (running.score || ' ' || running.stars))::bigint
    ) as value
    from running
    cross join plan
), course as (
    select place, array_agg(at order by at) as months, array_agg(value order by at) as scores
    from (
        select place, at, value,
            lag(value, 1, 0::bigint) over (partition by place order by at) as value_before
        from valued
    ) as change
    where value <> value_before
    group by place
)
"""

KEEP_COURSES = text(f"""
with {FACTS}, {PURCHASES}, {DEEDS}, {KEYS}, {STANDING}, {STEPS}
insert into score_course as kept (
    program_id, member_id, model_id, member_version, plan, months, scores
)
select :program_id, asked.member_id, :model_id, asked.version, cast(:digest as bytea),
    coalesce(course.months, '{{}}'), coalesce(course.scores, '{{}}')
from asked
left join course on course.place = asked.place
-- In the order of their ids: two who do the same must never wait for each other.
order by asked.member_id
on conflict (program_id, member_id, model_id) do update
set member_version = excluded.member_version, plan = excluded.plan, months = excluded.months,
    scores = excluded.scores
where kept.member_version <= excluded.member_version
""")  # noqa: S608  # Only put together from the texts above.
"""Work out the courses of members from all their facts, and keep them."""
