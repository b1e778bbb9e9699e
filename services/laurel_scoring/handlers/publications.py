"""What a publication brings with it, in the transaction that publishes: tiers move."""

from __future__ import annotations

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.settlements import Settlement
from laurel_scoring.domain.tiers import ladder_of
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.storage.tiers import move_members, open_book


async def move_tiers(
    connection: Connection,
    settlement: Settlement,
    revision: Revision[ScoringProgram],
    *,
    after_member_id: str,
    last_member_id: str,
) -> None:
    """Move the tiers of the members after one and up to another, whose scores were just published.

    A month that comes after a later one, or corrects an earlier one, moves nobody: the tier of now
    is the answer to the latest month.
    """
    key = settlement.key
    if revision.model.tier_policy(key.model_id) is None:
        return
    ladder = ladder_of(revision.model, model_of(revision, key.model_id), revision.time_zone)
    if await open_book(connection, settlement):
        await move_members(
            connection,
            settlement,
            ladder,
            after_member_id=after_member_id,
            last_member_id=last_member_id,
        )
