"""What the command prints: readable for people, JSON for programs, colours only on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

CONSOLE = Console(highlight=False, soft_wrap=True)
ERRORS = Console(highlight=False, soft_wrap=True, stderr=True)

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 3


def say(text: str = "") -> None:
    """Print a line for people; rich's markup is understood."""
    CONSOLE.print(text)


def say_verbatim(text: str) -> None:
    """Print text as it is, never wrapped or coloured: it is there to be copied."""
    CONSOLE.print(text, markup=False, style=None)


def say_table(table: Table) -> None:
    """Print a table."""
    CONSOLE.print(table)


def new_table(*columns: str, title: str | None = None, numbers: tuple[str, ...] = ()) -> Table:
    """An empty table in the command's one style; columns named in `numbers` are aligned right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    return table


def print_json(value: object) -> None:
    """Print a value for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def as_json(message: Message) -> dict[str, object]:
    """A message as a program reads it: the contract's field names, defaults included."""
    shown: Mapping[str, object] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return dict(shown)


def fail(text: str, *, code: int = EXIT_REFUSED) -> NoReturn:
    """Say what went wrong and end the command."""
    ERRORS.print(text, markup=False)
    raise typer.Exit(code)
