"""`laurel demo`: the story of a member's year, told again, or that of a membership's year."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from laurel_kit.clock import SystemClock

from laurel_cli.clocks import read_clocks
from laurel_cli.commands.member import tell
from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.commands.running import run_connected
from laurel_cli.connections import Connections
from laurel_cli.member_view import MemberView, view_member
from laurel_cli.membership_year import Entry, Life, has_begun, live_year
from laurel_cli.output import ERRORS, fail, print_json, say_verbatim
from laurel_cli.story import MEMBER_ID, PROGRAM_ID, ZONE
from laurel_cli.storyteller import StoryInterrupted, open_story, play_story

YEAR_MEMBER_ID = "m-2001"


class Tale(StrEnum):
    """What may be told."""

    STORY = "story"
    YEAR = "year"


def demo(
    tale: Annotated[
        Tale,
        typer.Argument(
            help="`story`: a member's past year. `year`: a membership from its trial to its "
            "renewal, for which the clocks go on for more than a year."
        ),
    ] = Tale.STORY,
    member_id: Annotated[
        str, typer.Option("--member", help="Who lives it; a new name begins a new story.")
    ] = "",
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Play a member's year: orders, reviews, a membership, a return; or show it, if played."""
    try:
        if tale is Tale.YEAR:
            tell_year(member_id or YEAR_MEMBER_ID, data, json=json)
        else:
            tell_story(member_id or MEMBER_ID, data, json=json)
    except StoryInterrupted as interruption:
        fail(str(interruption))


def tell_story(member_id: str, data: Data, *, json: bool) -> None:
    """Play the past year of a member, or show it."""

    async def work(connections: Connections) -> MemberView:
        present = SystemClock().now()
        first = await open_story(connections, member_id, present)
        await play_story(connections, member_id, first, present, ERRORS.print)
        return await view_member(connections, PROGRAM_ID, member_id)

    view = run_connected(data, work, json=json)
    if json:
        print_json(view.as_json())
    else:
        tell(view)


def tell_year(member_id: str, data: Data, *, json: bool) -> None:
    """Live a membership day by day from tomorrow on, as the suite's clocks have it."""

    async def work(connections: Connections) -> list[Entry]:
        if await has_begun(connections, member_id):
            raise StoryInterrupted(f"{member_id} has lived it: name another with --member")
        present = max((await read_clocks(connections)).values()).astimezone(ZONE)
        first = present.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        entries = []
        async for entry in live_year(
            Life(connections=connections, member_id=member_id, first=first, time=first)
        ):
            entries.append(entry)
            if not json:
                say_verbatim(line_of(entry))
        return entries

    entries = run_connected(data, work, json=json)
    if json:
        print_json({"member_id": member_id, "entries": [entry.as_json() for entry in entries]})


def line_of(entry: Entry) -> str:
    """A day of the timeline: its date, the beans after it, and what happened."""
    return f"{entry.time:%Y-%m-%d}  {entry.beans:>7,} beans  {entry.text}"
