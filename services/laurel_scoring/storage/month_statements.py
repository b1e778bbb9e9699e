"""Models as one statement each, which values many members at the settlements of some months.

It is put together once for a revision, and follows the evaluator (`domain/scores.py`) step by step:
what each rule gives, cut by caps in their turn, less what went back, scaled and held down. Months
are whole numbers: year * 12 + month - 1; `at` is the month of a settlement, whose days are those
before it. What has no step here is left to the evaluator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from laurel_scoring.domain.courses import NotExpressible
from laurel_scoring.domain.models import (
    LAST_DAY,
    Ceiling,
    Dimension,
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    FromPurchases,
    Measure,
    PerActivePeriod,
    PerAmount,
    PerBand,
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    Rule,
    ScoreModel,
    WhileSet,
    Window,
)
from laurel_scoring.domain.scores import NEVER_REPORTED, VIOLATIONS, split_of
from laurel_scoring.storage.condition_sql import NotInSql, quoted, sql_of
from laurel_scoring.storage.month_caps import cap_steps
from laurel_scoring.storage.month_parts import (
    AWARD,
    AWARD_COLUMNS,
    BACK,
    BOUGHT,
    BROKEN,
    CREDIT,
    DONE,
    FACTS,
    KEEP,
    NET,
    NOT_REACHED,
    ORDERED,
    PAYMENT,
    REACHED,
    REPORTS,
    STANDING,
    STANDS,
)

LINE_COLUMNS = {
    "order_id": "coalesce(line.order_id, '')",
    "payment_methods": "line.methods",
    **{
        name: f"line.{name}"
        for name in ("sku_id", "category_id", "shop_id", "goods_class", "quantity", "paid")
    },
}
"""What conditions on purchases look at."""

DONE_COLUMNS = {
    "kind": "done.kind",
    "subject_id": "done.subject_id",
    "order_id": "coalesce(done.order_id, '')",
    "punctuation_stuffed": "coalesce((done.quality ->> 'punctuation_stuffed')::boolean, false)",
    **{
        name: f"coalesce((done.quality ->> '{name}')::bigint, 0)"
        for name in ("copied_bps", "overlap_bps", "report_count", "poster_place")
    },
}
"""What conditions on engagements look at, but for the article."""

CEILING_COLUMNS = {
    **{measure.value: f"coalesce({measure.value}.value, {NEVER_REPORTED})" for measure in Measure},
    VIOLATIONS: "broken.violations",
}
"""What conditions of ceilings look at."""

UNKNOWN_HERE: dict[type, tuple[str, ...]] = {
    ScoreModel: ("coefficient", "at_term_end", "asks_for_purchase"),
    Rule: ("after_purchase", "repeat_order_days", "while_item_kept", "reads_item"),
    Dimension: ("suspension",),
    PerActivePeriod: ("posting_day",),
}
"""What of each part of a model is for the evaluator when it says something."""

UNDERSTOOD: dict[type, int] = {
    ScoreModel: 10,
    Dimension: 6,
    Rule: 12,
    Window: 2,
    Ceiling: 5,
    PerActivePeriod: 5,
    PerAmount: 4,
    PerCount: 1,
    PerDistinct: 2,
    WhileSet: 1,
    PerUnit: 1,
    PerBand: 1,
    FromPurchases: 0,
    FromEngagements: 1,
    FromProfile: 1,
    FromCredit: 2,
}
"""How many fields each part had when this was written: a part that has more is not known here."""


def refuse_unknown(part: object) -> None:
    """Raises NotExpressible for a part that says something which has no step here."""
    known = UNDERSTOOD.get(type(part))
    if known is None or len(fields(part)) != known:  # type: ignore[arg-type]  # Parts are dataclasses.
        raise NotExpressible
    if any(getattr(part, name) for name in UNKNOWN_HERE.get(type(part), ())):
        raise NotExpressible


def plan_months(model: ScoreModel) -> str | None:
    """The statement that values members by a model; None when it is for the evaluator."""
    if model.settlement_day is None:
        return None
    try:
        for part in (model, *model.dimensions, *model.ceilings):
            refuse_unknown(part)
        return Writer(model).statement()
    except (NotExpressible, NotInSql):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRule:
    """A rule with its number in the model, and its dimension with its own."""

    number: int
    rule: Rule
    place: int
    dimension: Dimension
    window: Window


class Writer:
    """Writes the statement of one model."""

    def __init__(self, model: ScoreModel) -> None:
        self._model = model
        pairs = [
            (place, dimension, rule)
            for place, dimension in enumerate(model.dimensions, start=1)
            for rule in dimension.rules
        ]
        self._rules = [
            NumberedRule(
                number=number,
                rule=rule,
                place=place,
                dimension=dimension,
                window=rule.window or model.window,
            )
            for number, (place, dimension, rule) in enumerate(pairs, start=1)
        ]

    def statement(self) -> str:
        """All steps. Raises NotExpressible, NotInSql."""
        model = self._model
        if model.by_rank and any(each.scale for each in model.dimensions):
            raise NotExpressible
        day = 1 if model.settlement_day == LAST_DAY else model.settlement_day
        awards = list(self._awards())
        caps = cap_steps(
            {each.number: each.rule.caps for each in self._rules},
            {each.number: (each.place, each.dimension.caps) for each in self._rules},
        )
        steps = [
            FACTS.format(settlement_day=day),
            self._bought(any("line.methods" in each for each in awards)),
            *(BACK, DONE, ORDERED, STANDING, REPORTS),
            f"award ({AWARD}) as materialized (\n" + "\nunion all\n".join(awards) + "\n)",
            *caps,
            NET.format(source=f"capped_{len(caps) - 1}" if caps else "award"),
            REACHED if model.by_rank else NOT_REACHED,
            self._units(),
            self._valued(),
        ]
        return "with " + ", ".join(steps) + KEEP

    def _bought(self, asks_for_methods: bool) -> str:
        """The lines of purchases, with how they were paid where a rule asks for it."""
        parts = dict(self._payment_parts())
        if not parts and not asks_for_methods:
            return BOUGHT.format(names="", payment="")
        names = "".join(f", payment.{name}" for name in ("methods", "total", *parts))
        return BOUGHT.format(names=names, payment=PAYMENT.format(parts="".join(parts.values())))

    def _payment_parts(self) -> Iterator[tuple[str, str]]:
        """For each rule that asks how orders were paid, how much was paid so."""
        for each in self._rules:
            methods = getattr(each.rule.award, "payment_methods", None)
            if methods:
                listed = ", ".join(quoted(method) for method in sorted(methods))
                name = f"paid_{each.number}"
                paid = f"sum(part.amount) filter (where part.payment_method in ({listed}))"
                yield name, f",\n            coalesce({paid}, 0) as {name}"

    def _awards(self) -> Iterator[str]:
        """What each rule gives."""
        for each in self._rules:
            rule = each.rule
            for part in (rule, rule.source, rule.award, each.window):
                refuse_unknown(part)
            match rule.source, rule.award:
                case FromPurchases(), PerAmount() as amount:
                    yield self._amounts(each, amount)
                case FromPurchases(), PerCount(points=points):
                    yield self._orders(each, points)
                case FromPurchases(), (PerDistinct() | PerActivePeriod()) as award:
                    yield self._sets(each, award, self._line_supports(each, award))
                case FromEngagements() as source, PerCount(points=points):
                    yield self._counts(each, source, points)
                case FromEngagements() as source, (PerDistinct() | PerActivePeriod()) as award:
                    yield self._sets(each, award, self._done_supports(each, source, award))
                case FromProfile(attribute=attribute), WhileSet(points=points):
                    yield (
                        f"select {AWARD_COLUMNS.format(rule=each.number, points=points)}\n"
                        f"from standing where standing.is_set "
                        f"and standing.attribute = {quoted(attribute)}"
                    )
                case FromCredit() as source, (PerUnit() | PerBand()) as award:
                    yield CREDIT.format(
                        columns=AWARD_COLUMNS.format(
                            rule=each.number, points=f"({points_of(award)})"
                        ),
                        name=source.measure.value,
                        refreshed=refreshed(source.refresh_day),
                    )
                case _:
                    raise NotExpressible

    def _amounts(self, each: NumberedRule, award: PerAmount) -> str:
        """Points for money, floored once an order, or once each category or shop of it."""
        split = split_of(each.rule, each.dimension)
        category = "line.category_id" if DistinctKey.CATEGORY in split else "''"
        shop = "line.shop_id" if DistinctKey.SHOP in split else "''"
        apart = "".join(f", {each}" for each in (category, shop) if each != "''")
        part, whole = "part.paid", "part.whole"
        if award.payment_methods:
            told = "case when part.total > 0 then div({}::numeric * part.means, part.total) end"
            part, whole = f"coalesce({told.format(part)}, 0)", f"coalesce({told.format(whole)}, 0)"
        points = f"div(({part})::numeric * {award.points}, {award.minor_units})::bigint"
        least = ""
        if award.order_minor_units_min:
            least = f" and ({whole}) >= {award.order_minor_units_min}"
        total, means = "0", "0"
        if award.payment_methods:
            total, means = "max(line.total)", f"max(line.paid_{each.number})"
        return f"""select part.place, part.at, {each.number}, part.turn, part.day, part.month,
    part.order_id, part.category, part.shop, part.activity_time, {points},
    {inside("part", each.window)}, part.paid, part.money, part.everything, part.numbers
from (
    select line.place, line.at, line.turn, line.day, line.month, line.order_id,
        line.activity_time, {category} as category, {shop} as shop, sum(line.paid)::bigint as paid,
        sum(line.money) as money, bool_and(line.gone >= line.quantity) as everything,
        {self._numbers()} as numbers, {total} as total, {means} as means,
        sum(sum(line.paid)) over (partition by line.place, line.at, line.turn) as whole
    from line
    where {self._met(each.rule, LINE_COLUMNS)}
    group by line.place, line.at, line.turn, line.day, line.month, line.order_id,
        line.activity_time{apart}
) as part
where {points} > 0{least}"""

    def _orders(self, each: NumberedRule, points: int) -> str:
        """The same points for every order with a line that counts."""
        return f"""select line.place, line.at, {each.number}, line.turn, line.day, line.month,
    line.order_id, '', '', line.activity_time, {points}::bigint, {inside("line", each.window)},
    null::bigint, null::numeric, bool_and(line.gone >= line.quantity), {self._numbers()}
from line
where {self._met(each.rule, LINE_COLUMNS)}
group by line.place, line.at, line.turn, line.day, line.month, line.order_id,
    line.activity_time"""

    def _counts(self, each: NumberedRule, source: FromEngagements, points: int) -> str:
        """The same points for each engagement."""
        return f"""select done.place, horizon.at, {each.number}, done.turn, done.day, done.month,
    done.order_id, '', '', done.activity_time, {points}::bigint, {inside("done", each.window)},
    null::bigint, null::numeric, false, null::int[]
from {self._done(each.rule, source)}"""

    def _done(self, rule: Rule, source: FromEngagements) -> str:
        """The engagements that count for a rule (C8)."""
        kinds = ", ".join(quoted(kind) for kind in sorted(source.kinds))
        age = rule.order_age_months_max
        young = ""
        if age:
            young = f"""
join ordered on ordered.place = done.place and ordered.order_id = done.order_id
    and ordered.month < horizon.at
    and done.day <= (ordered.day + make_interval(months => {age}))::date"""
        return f"""done
join horizon on done.month < horizon.at{young}
where done.kind in ({kinds}) and {self._met(rule, DONE_COLUMNS)}"""

    def _line_supports(self, each: NumberedRule, award: PerDistinct | PerActivePeriod) -> str:
        """What purchases hold up: lines with a piece still kept (C11)."""
        key = f"line.{award.key.value}" if isinstance(award, PerDistinct) else "''"
        if key == "line.subject_id":
            raise NotExpressible
        named = f" and {key} <> ''" if isinstance(award, PerDistinct) else ""
        return f"""select line.place, line.at, line.turn, line.day, line.month,
        line.activity_time, {key} as key
    from line
    where {self._met(each.rule, LINE_COLUMNS)} and line.gone < line.quantity
        and {inside("line", each.window)}{named}"""

    def _done_supports(
        self, each: NumberedRule, source: FromEngagements, award: PerDistinct | PerActivePeriod
    ) -> str:
        """What engagements hold up."""
        by_key = isinstance(award, PerDistinct)
        named = " and done.subject_id <> ''" if by_key else ""
        at = "horizon.at"
        return f"""select done.place, {at}, done.turn, done.day, done.month, done.activity_time,
        {"done.subject_id" if by_key else "''"} as key
    from {self._done(each.rule, source)} and {inside("done", each.window, at)}{named}"""

    def _sets(self, each: NumberedRule, award: PerDistinct | PerActivePeriod, supports: str) -> str:
        """Points for each key or period that is held up, by the first fact that was enough."""
        group, needed = "key", 1
        if isinstance(award, PerActivePeriod):
            needed = award.days_min
            group = {Period.DAY: "day", Period.MONTH: "month", Period.YEAR: "month / 12"}[
                award.period
            ]
            if award.consecutive and award.period is not Period.MONTH:
                raise NotExpressible
        enough = f"""select place, at, turn, day, month, activity_time,
        row_number() over (partition by place, at, grouped order by day) as days
    from (
        select place, at, {group} as grouped, day, min(turn) as turn, min(month) as month,
            min(activity_time) as activity_time
        from (
    {supports}
        ) as support
        group by place, at, grouped, day
    ) as active"""
        source = f"({enough}) as held where held.days = {needed}"
        if isinstance(award, PerActivePeriod) and award.consecutive:
            # Month after month up to the last one: each is as far back as its number among them.
            source = f"""(
    select held.*, row_number() over (
            partition by held.place, held.at order by held.month desc
        ) as back
    from {source}
) as held
where held.month + held.back = held.at"""
        return f"""select held.place, held.at, {each.number}, held.turn, held.day, held.month,
    null, '', '', held.activity_time, {award.points}::bigint, true, null::bigint, null::numeric,
    false, null::int[]
from {source}"""

    def _met(self, rule: Rule, columns: Mapping[str, str]) -> str:
        """The condition of a rule."""
        return "true" if rule.condition is None else sql_of(rule.condition, columns)

    def _numbers(self) -> str:
        """The lines of an award, where it matters when which of them went back."""
        return "array_agg(line.number)" if self._model.by_rank else "null::int[]"

    def _units(self) -> str:
        """What each dimension counts."""
        columns = ",\n    ".join(
            f"coalesce(sum(net.points) filter (where net.rule in ({numbers})), 0) as units_{place}"
            for place in range(1, len(self._model.dimensions) + 1)
            for numbers in [
                ", ".join(str(each.number) for each in self._rules if each.place == place) or "0"
            ]
        )
        return f"""units as (
select asked.place, horizon.at, horizon.instant,
    {columns}
from asked
cross join horizon
left join net on net.place = asked.place and net.at = horizon.at
group by asked.place, horizon.at, horizon.instant
)"""

    def _valued(self) -> str:
        """The score: the dimensions in points, one after the other, and what holds it down."""
        names = {each.dimension_id: n for n, each in enumerate(self._model.dimensions, start=1)}
        joins, points = [], []
        for name, place in names.items():
            dimension = self._model.dimensions[place - 1]
            points.append(f"points_{place}")
            joins.append(
                f"cross join lateral (select {scaled(dimension, place, names)} as "
                f"points_{place}) as dimension_{place}"
            )
            assert dimension.dimension_id == name, "dimensions are told apart by their names"
        uncut = " + ".join(points) or "0"
        value = f"({uncut})::bigint"
        if self._model.ceilings:
            joins += [STANDS.format(name=measure.value) for measure in Measure]
            joins.append(BROKEN.format(inside=inside("fact", self._model.window, "units.at")))
            limits = ", ".join(
                f"case when {sql_of(each.condition, CEILING_COLUMNS)} then {each.score_max} end"
                for each in self._model.ceilings
            )
            value = f"least({value}, {limits})"
        told = "\n".join(joins)
        return f"""valued as (
select units.place, units.at, {value} as value
from units
{told}
)"""


def inside(source: str, window: Window, at: str = "") -> str:
    """Whether the month of something lies in the window."""
    if window.months is None:
        return "true"
    at = at or ("horizon.at" if source == "done" else f"{source}.at")
    return f"({source}.month >= {at} - {window.months})"


def points_of(award: PerUnit | PerBand) -> str:
    """The points of a value of a credit measure."""
    if isinstance(award, PerUnit):
        return f"report.value * {award.points}"
    branches = " ".join(
        f"when report.value >= {band.from_value} then {band.points}"
        for band in reversed(award.bands)
    )
    return f"case {branches} else 0 end" if branches else "0"


def refreshed(refresh_day: int) -> str:
    """From when on a report counts (B2)."""
    if not refresh_day:
        return "report.activity_time"
    day = "make_date(({0}) / 12, ({0}) % 12 + 1, {1})::timestamp at time zone :zone"
    this, following = (
        day.format("report.month", refresh_day),
        day.format("report.month + 1", refresh_day),
    )
    return f"case when {this} >= report.activity_time then {this} else {following} end"


def scaled(dimension: Dimension, place: int, names: Mapping[str, int]) -> str:
    """What a dimension counts in points, floored once (I10)."""
    scale = dimension.scale
    if scale is None:
        return f"units_{place}"
    over = scale.units_per_point
    product = f"units_{place}::numeric"
    for factor in scale.factors:
        over *= factor.divisor
        added = f" + {factor.divisor}" if factor.plus_one else ""
        product += f" * (points_{names[factor.dimension_id]}{added})"
    points = f"div({product}, {over})"
    return f"least({points}, {scale.points_max})" if scale.points_max else points
