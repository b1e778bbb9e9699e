"""Evaluates orders: what points may pay, what they would cost and earn; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.checkouts import (
    CheckoutDraft,
    Evaluation,
    after_coupons,
    due_of,
    lines_after,
    payments_of,
)
from laurel_benefits.domain.coupon_application import (
    NO_COUPONS,
    CouponApplication,
    apply_coupons,
    coupon_line,
)
from laurel_benefits.domain.drafts import OrderDraft, check_words, with_defaults
from laurel_benefits.domain.errors import PointsNotSpendable
from laurel_benefits.domain.ids import MemberKey, RevisionId
from laurel_benefits.domain.programs import BenefitsProgram, SpendingRules
from laurel_benefits.domain.spending import Balance, SpendingCase, decide_spending
from laurel_benefits.handlers.coupon_orders import read_coupons
from laurel_benefits.handlers.earning import EarningCase, decide_earning
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage.risks import latest_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOrder:
    """An order that a member thinks of."""

    member: MemberKey
    draft: CheckoutDraft
    points: int
    order_digest: str
    """Names the content of the order and the points, so that a reservation is of the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is the case when an order is decided on: the program, the balance, the time."""

    revision: Revision[BenefitsProgram]
    balance: Balance
    now: datetime


async def evaluate_order(command: EvaluateOrder, *, resources: Resources) -> Evaluation:
    """What the order would cost and earn now.

    Raises PointsNotSpendable, CouponNotFound, DependencyDown.
    """
    revision = await revision_now(command.member.program_id, resources)
    rules = spending_rules(revision.model, command)
    moment = Moment(
        revision=revision,
        balance=await resources.ledger.get_balance(command.member, rules.asset_id),
        now=resources.clock.now(),
    )
    async with resources.database.snapshot() as connection:
        return await evaluate(connection, command, moment, locking=False)


async def evaluate(
    connection: Connection,
    command: EvaluateOrder,
    moment: Moment,
    *,
    locking: bool,
) -> Evaluation:
    """Gather what is known of the member, and decide. `locking` holds the budgets it may use."""
    revision, now = moment.revision, moment.now
    risk = await latest_risk(connection, command.member)
    coupons = await coupons_for(connection, command, moment)
    draft = after_coupons(command.draft, coupons)
    order = with_defaults(order_before(draft, now), revision.model.vocabulary)
    check_words(order, revision.model.vocabulary, program_id=command.member.program_id)
    case = SpendingCase(
        lines=order.lines,
        payment_methods=draft.payment_methods,
        requested_points=command.points,
        balance=moment.balance,
        risk=risk,
        rules=spending_rules(revision.model, command),
        coupon_reasons=coupons.reasons_for(risk, now),
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    spending = decide_spending(case)
    due_fen = due_of(draft, spending.points)
    paid = OrderDraft(
        order_id=draft.order_id,
        order_time=now,
        lines=lines_after(order.lines, spending.line_points),
        payments=payments_of(draft, due_fen),
        freight_fen=draft.freight_fen,
        invoice_type=draft.invoice_type,
    )
    earning = EarningCase(
        member=command.member, draft=paid, complete_time=now, revision=revision, risk=risk
    )
    return Evaluation(
        spending=spending,
        coupons=coupons,
        order=paid,
        due_fen=due_fen,
        earned=await decide_earning(connection, earning, now, locking=locking),
        order_digest=command.order_digest,
        program_revision=RevisionId(revision.revision_id),
    )


async def coupons_for(
    connection: Connection, command: EvaluateOrder, moment: Moment
) -> CouponApplication:
    """What the coupons of the order take off its lines. Raises CouponNotFound."""
    if not command.draft.coupon_ids:
        return NO_COUPONS
    held = await read_coupons(connection, command.member, command.draft.coupon_ids)
    rules = moment.revision.model.coupons
    return apply_coupons(
        held,
        [coupon_line(line) for line in command.draft.lines],
        rules.classes if rules else {},
        now=moment.now,
        order_id=command.draft.order_id,
    )


def order_before(draft: CheckoutDraft, now: datetime) -> OrderDraft:
    """The order before points, as if it were placed now."""
    payments = payments_of(draft, due_of(draft, 0))
    return OrderDraft(
        order_id=draft.order_id,
        order_time=now,
        lines=draft.lines,
        payments=payments,
        freight_fen=draft.freight_fen,
        invoice_type=draft.invoice_type,
    )


def spending_rules(program: BenefitsProgram, command: EvaluateOrder) -> SpendingRules:
    """What points may pay. Raises PointsNotSpendable."""
    if program.spending is None:
        raise PointsNotSpendable(program_id=command.member.program_id)
    return program.spending
