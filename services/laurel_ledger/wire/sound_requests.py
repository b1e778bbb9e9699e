"""Which requests surely keep the rules of their contract: the usual ones, known at a glance.

What is here repeats rules of the contract, and a property test holds it to them. A draft with
times, reason, labels or a revision is not known; whoever sends those is validated as ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel_kit.interceptors.validation import know_sound

from laurel_ledger.domain.assets import AMOUNT_MAX

BATCH_MAX = 5000  # Drafts of one call.
MESSAGE_MAX = 1000  # Drafts of one message of a stream.

# Several ids in one go, as that is what takes its time.
_ID = r"[A-Za-z0-9._:-]{1,64}"
_IDS = re.compile("/".join([_ID] * 4))
_PROGRAM = re.compile(_ID)
_ACCOUNT = re.compile("/".join([_ID] * 3))


def know_usual_requests() -> None:
    """Have them spared the validator."""
    know_sound(pb.PostTransactionRequest, post_is_sound)
    know_sound(pb.BatchPostTransactionsRequest, batch_is_sound)
    know_sound(pb.StreamTransactionsRequest, message_is_sound)
    know_sound(GetBalanceRequest, question_is_sound)


def question_is_sound(request: GetBalanceRequest) -> bool:
    """The present balance of an account."""
    name = f"{request.program_id}/{request.member_id}/{request.asset_id}"
    return bool(_ACCOUNT.fullmatch(name)) and request.WhichOneof("as_of") is None


def post_is_sound(request: pb.PostTransactionRequest) -> bool:
    """A single draft."""
    return bool(_PROGRAM.fullmatch(request.program_id)) and drafts_are_sound([request.transaction])


def batch_is_sound(request: pb.BatchPostTransactionsRequest) -> bool:
    """Drafts of a batch."""
    return _are_sound(request.program_id, request.transactions, BATCH_MAX)


def message_is_sound(request: pb.StreamTransactionsRequest) -> bool:
    """Drafts of a message of a stream."""
    return _are_sound(request.program_id, request.transactions, MESSAGE_MAX)


def _are_sound(program_id: str, drafts: Sequence[pb.TransactionDraft], most: int) -> bool:
    return (
        0 < len(drafts) <= most
        and bool(_PROGRAM.fullmatch(program_id))
        and drafts_are_sound(drafts)
    )


def drafts_are_sound(drafts: Iterable[pb.TransactionDraft]) -> bool:
    """Whether each is a plain earning or spending with ids and an amount as they must be."""
    for draft in drafts:
        effect = draft.WhichOneof("effect")
        if effect == "earn":
            earn = draft.earn
            special = earn.WhichOneof("activation") or earn.HasField("cost")
            if special or earn.HasField("expire_time"):
                return False
            amount = earn.amount
            ids = f"{draft.request_id}/{earn.member_id}/{earn.asset_id}/{earn.funding_account_id}"
        elif effect == "spend":
            spend = draft.spend
            if spend.lines or spend.shortfall or spend.lot_policy:
                return False
            amount = spend.amount
            ids = (
                f"{draft.request_id}/{spend.member_id}/{spend.asset_id}"
                f"/{spend.redemption_account_id}"
            )
        else:
            return False
        if not (0 < amount <= AMOUNT_MAX and _IDS.fullmatch(ids)):
            return False
        said = draft.reason or draft.labels or draft.program_revision
        if said or draft.HasField("effective_time") or draft.HasField("conditions"):
            return False
    return True
