"""`laurel version`."""

from __future__ import annotations

import platform

from laurel_cli.commands.options import Json
from laurel_cli.output import print_json, say
from laurel_cli.version import __version__


def version(*, json: Json = False) -> None:
    """Show the version."""
    if json:
        print_json({"laurel": __version__, "python": platform.python_version()})
    else:
        say(f"laurel {__version__} (Python {platform.python_version()})")
