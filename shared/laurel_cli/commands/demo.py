"""`laurel demo`: the story of a member's year, told again."""

from __future__ import annotations

from typing import Annotated

import typer
from laurel_kit.clock import SystemClock

from laurel_cli.commands.member import tell
from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.commands.running import run_connected
from laurel_cli.connections import Connections
from laurel_cli.member_view import MemberView, view_member
from laurel_cli.output import ERRORS, fail, print_json
from laurel_cli.story import MEMBER_ID, PROGRAM_ID
from laurel_cli.storyteller import StoryInterrupted, open_story, play_story


def demo(
    member_id: Annotated[
        str, typer.Option("--member", help="Who lives the year; a new name begins a new story.")
    ] = MEMBER_ID,
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Play a member's year: orders, reviews, a membership, a return; or show it, if played."""

    async def work(connections: Connections) -> MemberView:
        present = SystemClock().now()
        first = await open_story(connections, member_id, present)
        await play_story(connections, member_id, first, present, ERRORS.print)
        return await view_member(connections, PROGRAM_ID, member_id)

    try:
        view = run_connected(data, work, json=json)
    except StoryInterrupted as interruption:
        fail(str(interruption))
    if json:
        print_json(view.as_json())
    else:
        tell(view)
