"""What can be wrong with score models beyond their shape: every fault at once, with its path.

Paths are relative to the scoring section: `models[0].dimensions[1].rules[2].caps[0]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from laurel_scoring.domain.balance_checks import Fault, check_extras
from laurel_scoring.domain.cap_checks import WITHIN, check_bounds
from laurel_scoring.domain.models import (
    AwardRule,
    Cap,
    CapScope,
    Dimension,
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    FromPurchases,
    PerActivePeriod,
    PerAmount,
    PerBand,
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    Rule,
    ScoreModel,
    ScoringProgram,
    Vocabulary,
    WhileSet,
)

AWARDS = {
    FromPurchases: (PerAmount, PerCount, PerDistinct, PerActivePeriod),
    FromEngagements: (PerCount, PerDistinct, PerActivePeriod),
    FromProfile: (WhileSet,),
    FromCredit: (PerUnit, PerBand),
}
"""Which awards a source can have."""

AWARD_NAMES: dict[type[AwardRule], str] = {
    PerAmount: "per_amount",
    PerCount: "per_count",
    PerDistinct: "per_distinct",
    PerActivePeriod: "per_active_period",
    WhileSet: "while_set",
    PerUnit: "per_unit",
    PerBand: "per_band",
}

LINE_KEYS = (DistinctKey.CATEGORY, DistinctKey.SHOP, DistinctKey.SKU)

DAYS_OF_PERIOD = {Period.DAY: 1, Period.MONTH: 31, Period.YEAR: 366}
"""The most days that a day, a calendar month or year has."""


def check_program(program: ScoringProgram) -> list[Fault]:
    """Every fault of a program's models."""
    faults = list(check_ranges(program.vocabulary))
    faults += repeated([model.model_id for model in program.models], "models[{}].model_id", "model")
    for number, model in enumerate(program.models):
        faults += check_model(model, program.vocabulary, f"models[{number}]")
    return faults


def check_ranges(vocabulary: Vocabulary) -> Iterator[Fault]:
    """Ranges that hold nothing."""
    for measure, allowed in vocabulary.credit.items():
        if allowed.maximum < allowed.minimum:
            yield f"vocabulary.{measure.value}.maximum", "is below the minimum"


def check_model(model: ScoreModel, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Every fault of one model."""
    dimensions = [dimension.dimension_id for dimension in model.dimensions]
    ceilings = [ceiling.ceiling_id for ceiling in model.ceilings]
    yield from repeated(dimensions, path + ".dimensions[{}].dimension_id", "dimension")
    yield from repeated(ceilings, path + ".ceilings[{}].ceiling_id", "ceiling")
    yield from check_levels(model, path)
    yield from check_rule_names(model, path)
    yield from check_extras(model, vocabulary, path)
    yield from check_bounds(model, vocabulary, path)
    for number, dimension in enumerate(model.dimensions):
        yield from check_dimension(dimension, vocabulary, f"{path}.dimensions[{number}]")


def check_levels(model: ScoreModel, path: str) -> Iterator[Fault]:
    """Levels that leave scores without one, or are out of order (C14)."""
    levels = [level.level_id for level in model.levels]
    yield from repeated(levels, path + ".levels[{}].level_id", "level")
    if model.levels and model.levels[0].from_score:
        yield f"{path}.levels[0].from_score", "must be 0: scores below it would have no level"
    for number, (lower, higher) in enumerate(pairwise(model.levels), start=1):
        # The first level that asks for a purchase parts members with the same score.
        parts = higher.after_purchase and not lower.after_purchase
        # Levels by rank may begin at one score: it only says who is ranked at all.
        parts = parts or (higher.rank_size > 0 and lower.rank_size > 0)
        if higher.from_score < lower.from_score + (not parts):
            where = f"{path}.levels[{number}].from_score"
            yield where, f"must be above {lower.from_score}, where the level before begins"


def check_rule_names(model: ScoreModel, path: str) -> Iterator[Fault]:
    """Rules of one name, in whatever dimensions."""
    seen: dict[str, str] = {}
    for number, dimension in enumerate(model.dimensions):
        for place, rule in enumerate(dimension.rules):
            where = f"{path}.dimensions[{number}].rules[{place}].rule_id"
            if rule.rule_id in seen:
                yield where, f"the rule {rule.rule_id!r} is at {seen[rule.rule_id]} already"
            seen.setdefault(rule.rule_id, where)


def check_dimension(dimension: Dimension, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Every fault of a dimension and its rules."""
    for number, rule in enumerate(dimension.rules):
        where = f"{path}.rules[{number}]"
        yield from check_words(rule, vocabulary, where)
        yield from check_award(rule, where)
        yield from check_options(rule, where)
        yield from check_repeats(rule, where)
        yield from check_caps(rule.caps, where)
        yield from check_cap_scopes(rule, rule.caps, where)
    if dimension.suspension and not any(
        isinstance(rule.source, FromEngagements) for rule in dimension.rules
    ):
        yield f"{path}.suspension", "no rule of the dimension is about engagements"
    yield from check_caps(dimension.caps, path)
    for number, cap in enumerate(dimension.caps):
        if not any(may_cap(rule, cap) for rule in dimension.rules):
            yield f"{path}.caps[{number}].per", f"no rule of the dimension has a {cap.scope.value}"


def check_words(rule: Rule, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Words that the vocabulary does not declare."""
    match rule.source:
        case FromEngagements(kinds=kinds):
            for kind in sorted(kinds - vocabulary.engagement_kinds):
                yield f"{path}.engagement.kinds", f"{kind!r} is not in vocabulary.engagement_kinds"
        case FromProfile(attribute=attribute):
            if attribute not in vocabulary.profile_attributes:
                where = f"{path}.profile.attribute"
                yield where, f"{attribute!r} is not in vocabulary.profile_attributes"
        case FromCredit(measure=measure):
            if measure not in vocabulary.credit:
                yield f"{path}.credit.measure", f"vocabulary.{measure.value} is not declared"
        case FromPurchases():
            pass
    if isinstance(rule.award, PerAmount):
        for method in sorted(rule.award.payment_methods - vocabulary.payment_methods):
            where = f"{path}.per_amount.payment_methods"
            yield where, f"{method!r} is not in vocabulary.payment_methods"


def check_award(rule: Rule, path: str) -> Iterator[Fault]:
    """Awards that the source cannot have, or that can never be earned."""
    award = rule.award
    where = f"{path}.{AWARD_NAMES[type(award)]}"
    allowed = AWARDS[type(rule.source)]
    if not isinstance(award, allowed):
        names = ", ".join(AWARD_NAMES[each] for each in allowed)
        yield where, f"does not go with this source; it can have {names}"
        return
    if isinstance(award, PerDistinct):
        known = LINE_KEYS if isinstance(rule.source, FromPurchases) else (DistinctKey.SUBJECT,)
        if award.key not in known:
            yield f"{where}.key", "facts of this source do not have that key"
    if isinstance(award, PerActivePeriod) and award.days_min > DAYS_OF_PERIOD[award.period]:
        yield f"{where}.days_min", f"no {award.period.value} has so many days"


def check_options(rule: Rule, path: str) -> Iterator[Fault]:
    """Options that have no meaning for the source."""
    stands = isinstance(rule.source, FromProfile | FromCredit)
    if stands and rule.condition is not None:
        yield f"{path}.condition", "only purchases and engagements have conditions"
    if stands and rule.window is not None:
        yield f"{path}.window", "what stands as long as nothing changes has no window"
    if isinstance(rule.source, FromEngagements):
        return
    if rule.order_age_months_max:
        yield f"{path}.order_age_months_max", "only engagements have an order of some age"
    if rule.after_purchase:
        yield f"{path}.after_purchase", "only engagements happen before a purchase"


def check_repeats(rule: Rule, path: str) -> Iterator[Fault]:
    """Options of single engagements on rules about something else."""
    if isinstance(rule.source, FromEngagements) and isinstance(rule.award, PerCount):
        return
    if rule.repeat_order_days:
        yield f"{path}.repeat_order_days", "is for points per engagement"
    if rule.while_item_kept:
        yield f"{path}.while_item_kept", "is for points per engagement"


def check_caps(caps: Sequence[Cap], path: str) -> Iterator[Fault]:
    """Caps given twice, and caps that can never bind because a wider one binds before."""
    for (first, one), (second, other) in combinations(enumerate(caps), 2):
        if (one.scope, one.unit) == (other.scope, other.unit):
            yield f"{path}.caps[{second}]", f"is the same limit as caps[{first}]"
    for number, cap in enumerate(caps):
        for wider in caps:
            if wider.scope in WITHIN.get(cap.scope, ()) and not_tighter(cap, wider):
                where = f"{path}.caps[{number}]"
                yield where, f"can never bind: the {wider.scope.value} allows {wider.limit} already"


def not_tighter(cap: Cap, wider: Cap) -> bool:
    """Whether a limit of a part is no less than the limit of the whole."""
    return cap.unit is wider.unit and cap.limit >= wider.limit


def check_cap_scopes(rule: Rule, caps: Iterable[Cap], path: str) -> Iterator[Fault]:
    """Caps over something that the facts of the rule do not have."""
    for number, cap in enumerate(caps):
        if not may_cap(rule, cap):
            yield f"{path}.caps[{number}].per", f"what the rule gives has no {cap.scope.value}"


def may_cap(rule: Rule, cap: Cap) -> bool:
    """Whether what a rule gives belongs to buckets of a cap."""
    match cap.scope:
        case CapScope.TOTAL:
            return True
        case CapScope.DAY | CapScope.MONTH:
            return isinstance(rule.source, FromPurchases | FromEngagements)
        case CapScope.ORDER:
            return isinstance(rule.award, PerAmount | PerCount)
        case CapScope.CATEGORY | CapScope.SHOP:
            return isinstance(rule.award, PerAmount)


def repeated(names: Sequence[str], path: str, noun: str) -> Iterator[Fault]:
    """Names given twice; `path` has a place for the number."""
    for number, name in enumerate(names):
        if name in names[:number]:
            yield path.format(number), f"the {noun} {name!r} is at {names.index(name)} already"
