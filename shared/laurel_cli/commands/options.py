"""Options that several sub-commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laurel_cli.suite import DEFAULT_DATA

Data = Annotated[
    Path, typer.Option(envvar="LAUREL_DATA", help="The folder of the suite on this machine.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Program = Annotated[str, typer.Option(envvar="LAUREL_PROGRAM", help="The program.")]

DATA = DEFAULT_DATA
PROGRAM = "jd"
