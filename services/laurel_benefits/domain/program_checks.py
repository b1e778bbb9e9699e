"""What can be wrong with a program although each field is right: every fault with its path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

Fault = tuple[str, str]
"""Path in the file, and what is wrong."""


def undeclared(
    path: str, words: Sequence[str], declared: Iterable[str], *, what: str
) -> Iterator[Fault]:
    """Words that are used but not declared."""
    known = set(declared)
    for position, word in enumerate(words):
        if word not in known:
            yield f"{path}[{position}]", f"{word} is not a declared {what}"


def not_one_of(path: str, word: str, declared: Iterable[str], *, what: str) -> Iterator[Fault]:
    """A word that is used but not declared."""
    if word not in set(declared):
        yield path, f"{word} is not a declared {what}"


def repeated(path: str, key: str, names: Sequence[str]) -> Iterator[Fault]:
    """Names that stand twice in a list."""
    for position, name in enumerate(names):
        if name in names[:position]:
            yield f"{path}[{position}].{key}", f"{name} is declared twice"


def rated_twice(path: str, groups: Sequence[Sequence[str]]) -> Iterator[Fault]:
    """Categories that stand in two groups of rates."""
    seen: set[str] = set()
    for position, group in enumerate(groups):
        for index, category in enumerate(group):
            if category in seen:
                place = f"{path}[{position}].categories[{index}]"
                yield place, f"{category} has a rate already"
            seen.add(category)


def bands_with_gaps(path: str, starts: Sequence[int]) -> Iterator[Fault]:
    """Price bands that leave a score without a price, or give it two."""
    if starts and starts[0] != 0:
        yield f"{path}[0].score_from", "the first band must start at 0"
    for position in range(1, len(starts)):
        if starts[position] <= starts[position - 1]:
            yield f"{path}[{position}].score_from", "must be above the band before"


def caps_out_of_order(path: str, days: Sequence[date | None]) -> Iterator[Fault]:
    """Caps by date of purchase whose days do not rise, or whose last one does not hold for ever."""
    for position, day in enumerate(days):
        place = f"{path}[{position}].purchased_before"
        last = position == len(days) - 1
        earlier = days[position - 1] if position else None
        if last and day is not None:
            yield place, "the last cap must hold for every later purchase: leave it out"
        elif not last and day is None:
            yield place, "is required for every cap but the last"
        elif day and earlier and day <= earlier:
            yield place, "must be later than that of the cap before"


def impossible_date(path: str, year: int, month: int, day: int) -> Iterator[Fault]:
    """A date that no calendar has."""
    try:
        date(year, month, day)
    except ValueError:
        yield path, "is no date"
