"""GetTier, BatchGetTiers, ListTierChanges and OverrideTier: messages to values and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from laurel.scoring.v1 import tiers_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.pages import Cursor, PageTokenInvalid, PageTokens, page_size

from laurel_scoring.domain.models import Level
from laurel_scoring.domain.tiers import Cause, Ladder, Outlook, Override, TierChange
from laurel_scoring.handlers.overrides import OverriddenTier, OverrideTier
from laurel_scoring.handlers.tiers import TierQuery, TierView
from laurel_scoring.wire.invitations import write_invitation
from laurel_scoring.wire.scores import write_level
from laurel_scoring.wire.times import (
    from_microseconds,
    microseconds,
    optional_time,
    write_month,
    write_optional_time,
    write_time,
)

CAUSES = {
    Cause.REACHED: pb.TIER_CAUSE_REACHED,
    Cause.FELL: pb.TIER_CAUSE_FELL,
    Cause.RENEWED: pb.TIER_CAUSE_RENEWED,
    Cause.GRACE_BEGAN: pb.TIER_CAUSE_GRACE_BEGAN,
    Cause.RECOVERED: pb.TIER_CAUSE_RECOVERED,
    Cause.CORRECTED: pb.TIER_CAUSE_CORRECTED,
    Cause.OVERRIDDEN: pb.TIER_CAUSE_OVERRIDDEN,
    Cause.OVERRIDE_ENDED: pb.TIER_CAUSE_OVERRIDE_ENDED,
    Cause.INVITATION_ACCEPTED: pb.TIER_CAUSE_INVITATION_ACCEPTED,
    Cause.INVITATION_RENEWED: pb.TIER_CAUSE_INVITATION_RENEWED,
    Cause.INVITATION_ENDED: pb.TIER_CAUSE_INVITATION_ENDED,
}


def read_get_tier(request: pb.GetTierRequest) -> TierQuery:
    """Whose tier is wanted."""
    return TierQuery(
        program_id=request.program_id,
        model_id=request.model_id,
        member_ids=(request.member_id,),
    )


def write_get_tier(view: TierView) -> pb.GetTierResponse:
    """One tier."""
    return pb.GetTierResponse(tier=write_tier(view))


def read_batch_get_tiers(request: pb.BatchGetTiersRequest) -> TierQuery:
    """Whose tiers are wanted."""
    return TierQuery(
        program_id=request.program_id,
        model_id=request.model_id,
        member_ids=tuple(request.member_ids),
    )


def write_batch_get_tiers(views: Sequence[TierView]) -> pb.BatchGetTiersResponse:
    """The tier of each member."""
    return pb.BatchGetTiersResponse(tiers=[write_tier(view) for view in views])


def read_list_tier_changes(request: pb.ListTierChangesRequest) -> TierQuery:
    """Whose changes are wanted."""
    return TierQuery(
        program_id=request.program_id,
        model_id=request.model_id,
        member_ids=(request.member_id,),
    )


def read_changes_page(
    request: pb.ListTierChangesRequest,
) -> tuple[tuple[datetime, str] | None, int]:
    """Where a page begins, and how many changes it has at most. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int, str)
    size = page_size(request.page_size)
    if cursor is None:
        return None, size
    time, change_id = cursor
    try:
        return (from_microseconds(int(time or 0)), str(UUID(str(change_id)))), size
    except (OverflowError, ValueError) as forged:
        raise PageTokenInvalid from forged


def write_list_tier_changes(
    request: pb.ListTierChangesRequest, changes: Sequence[TierChange], size: int
) -> pb.ListTierChangesResponse:
    """A page of changes; one more than its size says that another page follows."""
    page = changes[:size]
    cursor: Cursor | None = None
    if len(changes) > size:
        cursor = [microseconds(page[-1].change_time), page[-1].change_id]
    return pb.ListTierChangesResponse(
        changes=[write_change(change) for change in page],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def read_override_tier(request: pb.OverrideTierRequest) -> OverrideTier:
    """Which level to lay over a tier."""
    return OverrideTier(
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
        program_id=request.program_id,
        member_id=request.member_id,
        model_id=request.model_id,
        level_id=request.level_id,
        end_time=optional_time(request, "end_time"),
        reason=request.reason,
    )


def write_override_tier(answer: OverriddenTier) -> pb.OverrideTierResponse:
    """The override as it was made."""
    return pb.OverrideTierResponse(
        override=write_override(answer.override, answer.level), replayed=answer.replayed
    )


def write_tier(view: TierView) -> pb.Tier:
    """A tier with everything that is known about it."""
    published = view.published
    return pb.Tier(
        program_id=view.program_id,
        member_id=view.member_id,
        model_id=view.ladder.policy.model_id,
        level=write_level(view.level),
        since_time=write_optional_time(view.since_time),
        until_time=write_optional_time(view.until_time),
        held_level=write_level(view.held_level),
        grace_until_time=write_optional_time(view.holding.grace_until_time),
        override=write_override(view.override, view.level) if view.override else None,
        published_value=published.value if published else None,
        settlement_month=write_month(published.month) if published else None,
        outlook=write_outlook(view.outlook, view.held_level, view.ladder),
        program_revision=view.revision_id,
        invitation=write_standing(view),
    )


def write_standing(view: TierView) -> pb.TierInvitation | None:
    """The invitation of a member that stands, None without one."""
    if view.invitation is None:
        return None
    place = view.ladder.place_of(view.invitation.level_id)
    return write_invitation(view.invitation, view.ladder.level(place))


def write_override(override: Override, level: Level | None) -> pb.TierOverride:
    """An override."""
    return pb.TierOverride(
        level=write_level(level) if level else None,
        reason=override.reason,
        made_by=override.made_by,
        start_time=write_time(override.start_time),
        end_time=write_time(override.end_time),
    )


def write_outlook(outlook: Outlook, held: Level, ladder: Ladder) -> pb.TierOutlook:
    """What the next settlement would do."""
    move, above = outlook.move, outlook.next_level
    return pb.TierOutlook(
        settlement_time=write_optional_time(outlook.due_time),
        value=outlook.value,
        next_level=write_level(above) if above else None,
        missing_for_next=outlook.missing_for_next,
        missing_to_keep=outlook.missing_to_keep,
        cause=CAUSES[move.cause] if move else pb.TIER_CAUSE_UNSPECIFIED,
        level_after=write_level(ladder.level(move.holding.position) if move else held),
    )


def write_change(change: TierChange) -> pb.TierChange:
    """A change of a tier."""
    return pb.TierChange(
        change_id=change.change_id,
        change_time=write_time(change.change_time),
        cause=CAUSES[change.cause],
        from_level_id=change.from_level_id,
        to_level_id=change.to_level_id,
        since_time=write_time(change.since_time),
        until_time=write_optional_time(change.until_time),
        grace_until_time=write_optional_time(change.grace_until_time),
        settlement_month=write_month(change.month) if change.month else None,
        run=change.run or 0,
        value=change.value,
        program_revision=change.revision_id,
        reason=change.reason,
        made_by=change.made_by,
    )
