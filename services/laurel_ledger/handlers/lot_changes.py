"""Activating, voiding, freezing, thawing, extending lots: whatever is done to them is a draft."""

from __future__ import annotations

from laurel_ledger.domain.transactions import LotDraft
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transactions import (
    PostedTransaction,
    PostTransaction,
    post_transaction,
)


async def activate_lots(draft: LotDraft, *, ledger: Ledger) -> PostedTransaction:
    """Make pending points active. Raises the refusal if it is refused."""
    return await _change_lots(draft, ledger)


async def void_lots(draft: LotDraft, *, ledger: Ledger) -> PostedTransaction:
    """Make points void. Raises the refusal if it is refused."""
    return await _change_lots(draft, ledger)


async def freeze_lots(draft: LotDraft, *, ledger: Ledger) -> PostedTransaction:
    """Freeze points. Raises the refusal if it is refused."""
    return await _change_lots(draft, ledger)


async def thaw_lots(draft: LotDraft, *, ledger: Ledger) -> PostedTransaction:
    """Thaw points. Raises the refusal if it is refused."""
    return await _change_lots(draft, ledger)


async def extend_lots(draft: LotDraft, *, ledger: Ledger) -> PostedTransaction:
    """Let points last longer. Raises the refusal if it is refused."""
    return await _change_lots(draft, ledger)


async def _change_lots(draft: LotDraft, ledger: Ledger) -> PostedTransaction:
    return await post_transaction(PostTransaction(draft=draft, validate_only=False), ledger=ledger)
