"""The scoring section of a program file as score models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laurel.program.v1 import scoring_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program
from laurel_kit.programs.expressions import Condition as CompiledCondition
from laurel_kit.programs.expressions import ConditionInvalid
from laurel_kit.programs.sections import ProgramFault, ProgramFaults

from laurel_scoring.domain.balance_checks import Fault
from laurel_scoring.domain.medal_checks import check_medals
from laurel_scoring.domain.model_checks import check_program
from laurel_scoring.domain.models import (
    LAST_DAY,
    AwardRule,
    Band,
    Cap,
    CapScope,
    CapUnit,
    Ceiling,
    Coefficient,
    Dimension,
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    FromPurchases,
    Level,
    Measure,
    PerActivePeriod,
    PerAmount,
    PerBand,
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    PointBand,
    Range,
    ReturnRatio,
    Rule,
    Scale,
    ScaleFactor,
    ScoreModel,
    ScoringProgram,
    Source,
    Suspension,
    TermEnd,
    Vocabulary,
    WhileSet,
    Window,
)
from laurel_scoring.domain.scores import VIOLATIONS
from laurel_scoring.domain.segment_checks import check_insight
from laurel_scoring.domain.tier_checks import check_tiers
from laurel_scoring.wire.conditions import (
    ITEM_VARIABLES,
    Words,
    compile_of,
    faults_of_condition,
    words_of,
)
from laurel_scoring.wire.program_insight import read_insight
from laurel_scoring.wire.program_medals import read_medals
from laurel_scoring.wire.program_tiers import read_tier_policies
from laurel_scoring.wire.shadows import shadowed

MEASURES = {
    pb.CREDIT_MEASURE_SCORE: Measure.SCORE,
    pb.CREDIT_MEASURE_STARS: Measure.STARS,
}
KEYS = {
    pb.DISTINCT_KEY_CATEGORY: DistinctKey.CATEGORY,
    pb.DISTINCT_KEY_SHOP: DistinctKey.SHOP,
    pb.DISTINCT_KEY_SKU: DistinctKey.SKU,
    pb.DISTINCT_KEY_SUBJECT: DistinctKey.SUBJECT,
}
PERIODS = {
    pb.ACTIVE_PERIOD_DAY: Period.DAY,
    pb.ACTIVE_PERIOD_MONTH: Period.MONTH,
    pb.ACTIVE_PERIOD_YEAR: Period.YEAR,
}
TERM_ENDS = {
    pb.TERM_END_DEDUCT: TermEnd.DEDUCT,
    pb.TERM_END_RESTART: TermEnd.RESTART,
}
SCOPES = {
    pb.CAP_SCOPE_ORDER: CapScope.ORDER,
    pb.CAP_SCOPE_DAY: CapScope.DAY,
    pb.CAP_SCOPE_MONTH: CapScope.MONTH,
    pb.CAP_SCOPE_CATEGORY: CapScope.CATEGORY,
    pb.CAP_SCOPE_SHOP: CapScope.SHOP,
    pb.CAP_SCOPE_TOTAL: CapScope.TOTAL,
}


class Never:
    """Stands for a condition with a fault, so that the rest of its model can be checked."""

    names: tuple[str, ...] = ()

    def holds(self, values: Mapping[str, object]) -> bool:
        """Never met."""
        del values
        return False


Compiled = CompiledCondition | Never


class ScoringSection:
    """How the scoring service understands a program."""

    name = "scoring"

    def compile(self, program: Program) -> ScoringProgram:
        """The program's vocabulary and models. Raises ProgramFaults with every fault."""
        reader = SectionReader()
        compiled = reader.read(program.scoring)
        faults = [
            *reader.faults,
            *check_program(compiled),
            *check_tiers(compiled),
            *check_insight(compiled.insight),
            *check_medals(compiled),
            *shadowed(compiled, program.scoring.vocabulary),
        ]
        if faults:
            raise ProgramFaults(
                [ProgramFault(path=f"{self.name}.{path}", message=text) for path, text in faults]
            )
        return compiled


SECTION = ScoringSection()
"""The one understanding of programs, shared by the service and by checks of files without one."""


class SectionReader:
    """Reads one section; conditions that cannot be compiled are gathered in `faults`.

    What breaks the contract itself has been noted before: something harmless stands in for it here,
    so that one round shows all faults.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.vocabulary = pb.ScoringVocabulary()

    def read(self, section: pb.ScoringSection) -> ScoringProgram:
        """The whole section."""
        self.vocabulary = section.vocabulary
        models = [
            self.read_model(model, f"models[{number}]")
            for number, model in enumerate(section.models)
        ]
        vocabulary = read_vocabulary(section.vocabulary)
        return ScoringProgram(
            vocabulary=vocabulary,
            models=tuple(models),
            tier_policies=tuple(read_tier_policies(section)),
            insight=read_insight(section),
            medals=tuple(read_medals(section)),
        )

    def read_model(self, model: pb.ScoreModel, path: str) -> ScoreModel:
        """One model."""
        return ScoreModel(
            model_id=model.model_id,
            display_name=model.display_name,
            window=read_window(model.window),
            dimensions=tuple(
                self.read_dimension(dimension, f"{path}.dimensions[{number}]")
                for number, dimension in enumerate(model.dimensions)
            ),
            ceilings=tuple(
                self.read_ceiling(ceiling, f"{path}.ceilings[{number}]")
                for number, ceiling in enumerate(model.ceilings)
            ),
            levels=tuple(read_levels(model)),
            settlement_day=read_settlement_day(model),
            coefficient=read_coefficient(model) if model.HasField("coefficient") else None,
            at_term_end=read_term_end(model) if model.HasField("balance") else None,
            definition=model.SerializeToString(deterministic=True),
        )

    def read_dimension(self, dimension: pb.ScoreDimension, path: str) -> Dimension:
        """One dimension."""
        return Dimension(
            dimension_id=dimension.dimension_id,
            display_name=dimension.display_name or dimension.dimension_id,
            rules=tuple(
                self.read_rule(rule, f"{path}.rules[{number}]")
                for number, rule in enumerate(dimension.rules)
            ),
            caps=tuple(read_cap(cap) for cap in dimension.caps),
            suspension=self.read_suspension(dimension, f"{path}.suspension"),
            scale=read_scale(dimension.scale) if dimension.HasField("scale") else None,
        )

    def read_suspension(self, dimension: pb.ScoreDimension, path: str) -> Suspension | None:
        """What bad engagements do to a dimension, if anything."""
        if not dimension.HasField("suspension"):
            return None
        suspension = dimension.suspension
        where = f"{path}.condition"
        kinds = {kind for rule in dimension.rules for kind in rule.engagement.kinds}
        words = words_of(self.vocabulary, kinds)
        condition = self.compile(suspension.condition, "engagements", where, words)
        return Suspension(
            condition=condition,
            bad_max=suspension.bad_max,
            months=suspension.months,
            reads_item=reads_item(condition),
        )

    def read_rule(self, rule: pb.ScoreRule, path: str) -> Rule:
        """One rule."""
        condition = self.read_condition(rule, path)
        return Rule(
            rule_id=rule.rule_id,
            display_name=rule.display_name or rule.rule_id,
            source=read_source(rule),
            award=read_award(rule),
            condition=condition,
            order_age_months_max=rule.order_age_months_max,
            caps=tuple(read_cap(cap) for cap in rule.caps),
            window=read_window(rule.window) if rule.HasField("window") else None,
            after_purchase=rule.after_purchase,
            repeat_order_days=rule.repeat_order_days,
            while_item_kept=rule.while_item_kept,
            reads_item=reads_item(condition),
        )

    def read_condition(self, rule: pb.ScoreRule, path: str) -> Compiled | None:
        """The condition of a rule, over what facts of its source have."""
        if not rule.condition:
            return None
        source = {"purchase": "purchases", "engagement": "engagements"}.get(
            rule.WhichOneof("source") or ""
        )
        if source is None:
            # A source without conditions is a fault of its own, found by the checks of the model.
            return Never()
        words = words_of(self.vocabulary, rule.engagement.kinds)
        return self.compile(rule.condition, source, f"{path}.condition", words)

    def read_ceiling(self, ceiling: pb.ScoreCeiling, path: str) -> Ceiling:
        """One ceiling."""
        where, words = f"{path}.condition", words_of(self.vocabulary)
        condition = self.compile(ceiling.condition, "ceilings", where, words)
        return Ceiling(
            ceiling_id=ceiling.ceiling_id,
            display_name=ceiling.display_name or ceiling.ceiling_id,
            condition=condition,
            score_max=ceiling.score_max,
            reads_violations=condition is not None and VIOLATIONS in condition.names,
        )

    def compile(self, text: str, source: str, path: str, words: Words) -> Compiled:
        """A condition over what a source has; one that is none, or never holds, is noted."""
        try:
            condition = compile_of(text, source)
        except ConditionInvalid as invalid:
            self.faults.append((path, invalid.message))
            return Never()
        self.faults += [(path, said) for said in faults_of_condition(condition, source, words)]
        return condition


def reads_item(condition: Compiled | None) -> bool:
    """Whether a condition looks at the article that an engagement is about."""
    return condition is not None and not ITEM_VARIABLES.keys().isdisjoint(condition.names)


def read_scale(scale: pb.DimensionScale) -> Scale:
    """How what a dimension counts becomes points."""
    return Scale(
        units_per_point=max(scale.units_per_point, 1),
        factors=tuple(
            ScaleFactor(
                dimension_id=factor.dimension_id,
                divisor=max(factor.divisor, 1),
                plus_one=factor.plus_one,
            )
            for factor in scale.factors
        ),
        points_max=scale.points_max,
    )


def read_coefficient(model: pb.ScoreModel) -> Coefficient:
    """What points are multiplied by."""
    coefficient = model.coefficient
    ratio = coefficient.return_ratio if coefficient.HasField("return_ratio") else None
    return Coefficient(
        coefficient_id=coefficient.coefficient_id,
        display_name=coefficient.display_name or coefficient.coefficient_id,
        dimension_ids=frozenset(coefficient.dimension_ids),
        credit=read_credit(coefficient.credit),
        bands=read_bands(coefficient.bands),
        return_ratio=ratio
        and ReturnRatio(
            months=ratio.months, orders_min=ratio.orders_min, bands=read_bands(ratio.bands)
        ),
    )


def read_bands(bands: Iterable[pb.RateBand]) -> tuple[Band, ...]:
    """Rates by value."""
    return tuple(Band(from_value=band.from_value, rate_bps=band.rate_bps) for band in bands)


def read_term_end(model: pb.ScoreModel) -> TermEnd:
    """What the end of a term does."""
    return TERM_ENDS.get(model.balance.at_term_end, TermEnd.DEDUCT)


def read_credit(credit: pb.CreditSource) -> FromCredit:
    """A credit measure."""
    measure = MEASURES.get(credit.measure, Measure.SCORE)
    return FromCredit(measure=measure, refresh_day=credit.refresh_day)


def read_vocabulary(vocabulary: pb.ScoringVocabulary) -> Vocabulary:
    """The words of a program."""
    credit = {}
    if vocabulary.HasField("credit_score"):
        credit[Measure.SCORE] = read_range(vocabulary.credit_score)
    if vocabulary.HasField("credit_stars"):
        credit[Measure.STARS] = read_range(vocabulary.credit_stars)
    return Vocabulary(
        engagement_kinds=frozenset(vocabulary.engagement_kinds),
        goods_classes=frozenset(vocabulary.goods_classes),
        payment_methods=frozenset(vocabulary.payment_methods),
        profile_attributes=frozenset(vocabulary.profile_attributes),
        violation_kinds=frozenset(vocabulary.violation_kinds),
        credit=credit,
    )


def read_range(allowed: pb.ScoringRange) -> Range:
    """A range of values."""
    return Range(minimum=allowed.minimum, maximum=allowed.maximum)


def read_settlement_day(model: pb.ScoreModel) -> int | None:
    """The day on which a model is settled, if it is."""
    if not model.HasField("settlement"):
        return None
    return LAST_DAY if model.settlement.last_day else model.settlement.day_of_month


def read_window(window: pb.ScoreWindow) -> Window:
    """A window; a live one ends with yesterday unless it says otherwise."""
    return Window(
        months=window.months if window.HasField("months") else None,
        live_until_now=window.live_until == pb.LIVE_UNTIL_NOW,
    )


def read_levels(model: pb.ScoreModel) -> Iterator[Level]:
    """The levels with their places."""
    for position, level in enumerate(model.levels, start=1):
        yield Level(
            level_id=level.level_id,
            display_name=level.display_name or level.level_id,
            from_score=level.from_score,
            position=position,
            after_purchase=level.after_purchase,
            term_months=level.term_months,
            term_deduction=level.term_deduction,
            rank_size=level.rank_size,
            one_in=level.invitation.one_in,
        )


def read_cap(cap: pb.ScoreCap) -> Cap:
    """One cap."""
    scope = SCOPES.get(cap.per, CapScope.TOTAL)
    if cap.HasField("points_max"):
        return Cap(scope=scope, unit=CapUnit.POINTS, limit=cap.points_max)
    return Cap(scope=scope, unit=CapUnit.TIMES, limit=cap.times_max)


def read_source(rule: pb.ScoreRule) -> Source:
    """The facts a rule looks at."""
    match rule.WhichOneof("source"):
        case "engagement":
            return FromEngagements(kinds=frozenset(rule.engagement.kinds))
        case "profile":
            return FromProfile(attribute=rule.profile.attribute)
        case "credit":
            return read_credit(rule.credit)
        case _:
            return FromPurchases()


def read_award(rule: pb.ScoreRule) -> AwardRule:
    """What a rule gives points for."""
    match rule.WhichOneof("award"):
        case "per_amount":
            return PerAmount(
                points=rule.per_amount.points,
                minor_units=rule.per_amount.minor_units,
                payment_methods=frozenset(rule.per_amount.payment_methods),
                order_minor_units_min=rule.per_amount.order_minor_units_min,
            )
        case "per_distinct":
            key = KEYS.get(rule.per_distinct.key, DistinctKey.CATEGORY)
            return PerDistinct(points=rule.per_distinct.points, key=key)
        case "per_active_period":
            return PerActivePeriod(
                points=rule.per_active_period.points,
                period=PERIODS.get(rule.per_active_period.period, Period.YEAR),
                days_min=rule.per_active_period.days_min,
                posting_day=rule.per_active_period.posting_day,
                consecutive=rule.per_active_period.consecutive,
            )
        case "while_set" | "per_unit" | "per_band":
            return read_standing_award(rule)
        case _:
            return PerCount(points=rule.per_count.points)


def read_standing_award(rule: pb.ScoreRule) -> AwardRule:
    """What a rule gives points for as long as something stands."""
    match rule.WhichOneof("award"):
        case "while_set":
            return WhileSet(points=rule.while_set.points)
        case "per_band":
            bands = rule.per_band.bands
            return PerBand(
                bands=tuple(PointBand(from_value=x.from_value, points=x.points) for x in bands)
            )
        case _:
            return PerUnit(points=rule.per_unit.points)
