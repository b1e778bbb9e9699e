"""What guards against abuse, in a program: from the message to the model, and what can be wrong."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.program.v1 import risk_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.program_checks import Fault, repeated, undeclared
from laurel_benefits.domain.risk_rules import ORDER, RiskRules, VelocityAction, VelocityRule
from laurel_benefits.wire.activity_rules import kinds_of

PATH = "benefits.risk.velocity"


def read_risk_rules(message: pb.RiskRules) -> RiskRules:
    """What guards the rewards of activities."""
    return RiskRules(velocity=tuple(read_velocity(each) for each in message.velocity))


def read_velocity(message: pb.VelocityRule) -> VelocityRule:
    """A limit of speed."""
    name = pb.VelocityAction.Name(message.action).removeprefix("VELOCITY_ACTION_")
    watched = message.HasField("watched_times_max")
    return VelocityRule(
        rule_id=message.rule_id,
        kinds=frozenset(message.kinds),
        window=message.window.ToTimedelta(),
        times_max=message.times_max,
        watched_times_max=message.watched_times_max if watched else message.times_max,
        action=VelocityAction(name),
    )


def risk_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with it."""
    rules = program.benefits.risk.velocity
    yield from repeated(PATH, "rule_id", [rule.rule_id for rule in rules])
    known = [*(kind for _, kind in kinds_of(program.benefits.activities)), ORDER]
    known += [program.benefits.check_in.kind] if program.benefits.check_in.kind else []
    for position, rule in enumerate(rules):
        path = f"{PATH}[{position}]"
        yield from undeclared(f"{path}.kinds", rule.kinds, known, what="kind of activity")
        if rule.HasField("watched_times_max") and rule.watched_times_max > rule.times_max:
            yield f"{path}.watched_times_max", "must not be above times_max"
        if ORDER in rule.kinds:
            yield from order_rule_faults(rule, path)


def order_rule_faults(rule: pb.VelocityRule, path: str) -> Iterator[Fault]:
    """Orders are counted by themselves, and earn nothing where they come too fast."""
    if len(rule.kinds) > 1:
        yield f"{path}.kinds", f"{ORDER} must be the only kind"
    if rule.action != pb.VelocityAction.VELOCITY_ACTION_REFUSE:
        yield f"{path}.action", "must be refuse for orders"
