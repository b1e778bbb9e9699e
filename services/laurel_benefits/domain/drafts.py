"""Orders as the shop reports them, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laurel_benefits.domain.errors import (
    OrderPaymentsMismatch,
    OrderTimesReversed,
    OrderWordUnknown,
    TimeInFuture,
)
from laurel_benefits.domain.ids import LineId, OrderId, ProgramId
from laurel_benefits.domain.programs import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order. `paid_fen` is for the whole line, without freight."""

    line_id: LineId
    sku_id: str
    category_id: str
    goods_class: str
    sale_type: str
    shop_id: str
    quantity: int
    paid_fen: int
    points_share_bps: int | None = None
    """Which share of it points may pay, as its seller says (J3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What was paid by one means."""

    payment_method: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """An order as the shop reports it, delivery apart."""

    order_id: OrderId
    order_time: datetime
    lines: tuple[OrderLine, ...]
    payments: tuple[Payment, ...]
    freight_fen: int
    invoice_type: str

    @property
    def due_fen(self) -> int:
        """What lines and freight come to."""
        return sum(line.paid_fen for line in self.lines) + self.freight_fen

    @property
    def paid_fen(self) -> int:
        """What was paid by all means together."""
        return sum(payment.amount_fen for payment in self.payments)


def with_defaults(draft: OrderDraft, vocabulary: Vocabulary) -> OrderDraft:
    """The draft with the program's sale type where a line names none."""
    lines = tuple(
        replace(line, sale_type=line.sale_type or vocabulary.sale_type_default)
        for line in draft.lines
    )
    return replace(draft, lines=lines)


def check_order(
    draft: OrderDraft,
    vocabulary: Vocabulary,
    *,
    program_id: ProgramId,
    complete_time: datetime,
    now: datetime,
    clock_skew_max: timedelta,
) -> None:
    """Refuse an order that can never be right: words, then amounts, then times."""
    check_words(draft, vocabulary, program_id=program_id)
    if draft.paid_fen != draft.due_fen:
        raise OrderPaymentsMismatch(paid_fen=draft.paid_fen, due_fen=draft.due_fen)
    if complete_time < draft.order_time:
        raise OrderTimesReversed(order_time=draft.order_time, complete_time=complete_time)
    if complete_time > now + clock_skew_max:
        raise TimeInFuture(field="order.complete_time", time=complete_time, current_time=now)


def check_words(draft: OrderDraft, vocabulary: Vocabulary, *, program_id: ProgramId) -> None:
    """Refuse words the program does not have: raises OrderWordUnknown with all of them."""
    if unknown := list(unknown_words(draft, vocabulary)):
        raise OrderWordUnknown(unknown, program_id=program_id)


def unknown_words(draft: OrderDraft, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Every word the program does not have, with its path in the request."""
    for index, line in enumerate(draft.lines):
        if line.goods_class not in vocabulary.goods_classes:
            yield f"order.lines[{index}].goods_class", line.goods_class
        if line.sale_type not in vocabulary.sale_types:
            yield f"order.lines[{index}].sale_type", line.sale_type
    for index, payment in enumerate(draft.payments):
        if payment.payment_method not in vocabulary.payment_methods:
            yield f"order.payments[{index}].payment_method", payment.payment_method
    if draft.invoice_type and draft.invoice_type not in vocabulary.invoice_types:
        yield "order.invoice_type", draft.invoice_type
