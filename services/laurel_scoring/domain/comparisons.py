"""What another revision of a model would change over the same facts, told member by member."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from laurel_scoring.domain.scores import Worth

LARGEST = 20
"""Members whose scores change most, by name: enough to look into, few enough to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What would become of a member's score."""

    member_id: str
    value: int
    other_value: int

    @property
    def order(self) -> tuple[int, str]:
        """The largest change first, then the lower member id."""
        return -abs(self.other_value - self.value), self.member_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMove:
    """Members that would have another level."""

    level_id: str
    other_level_id: str
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was found of the members up to one."""

    last_member_id: str = ""
    members: int = 0
    members_changed: int = 0
    value_total: int = 0
    other_value_total: int = 0
    moves: tuple[LevelMove, ...] = ()
    largest: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A member valued by both revisions."""

    member_id: str
    before: Worth
    after: Worth


def tally_with(tally: Tally, compared: Iterable[Compared]) -> Tally:
    """A tally with some further members, in the order of their ids."""
    found = list(compared)
    moves = {(move.level_id, move.other_level_id): move.members for move in tally.moves}
    for each in found:
        levels = (each.before.level.level_id, each.after.level.level_id)
        if levels[0] != levels[1]:
            moves[levels] = moves.get(levels, 0) + 1
    changed = [
        Difference(member_id=each.member_id, value=each.before.value, other_value=each.after.value)
        for each in found
        if each.before.value != each.after.value
    ]
    largest = sorted((*tally.largest, *changed), key=lambda difference: difference.order)
    return Tally(
        last_member_id=found[-1].member_id if found else tally.last_member_id,
        members=tally.members + len(found),
        members_changed=tally.members_changed + len(changed),
        value_total=tally.value_total + sum(each.before.value for each in found),
        other_value_total=tally.other_value_total + sum(each.after.value for each in found),
        moves=tuple(
            LevelMove(level_id=before, other_level_id=after, members=members)
            for (before, after), members in sorted(moves.items())
        ),
        largest=tuple(largest[:LARGEST]),
    )
