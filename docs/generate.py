"""Write the reference pages of this folder from the code that they are about.

`python docs/generate.py` writes all of them; `--into DIR` writes elsewhere, which is how a test
proves that the committed pages are fresh.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import errors_page
import program_file_page
import reference_pages
import settings_page

FOLDER = Path(__file__).resolve().parent
PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors_page.page,
    "program-file.md": program_file_page.page,
    "settings.md": settings_page.page,
    **reference_pages.pages(),
}


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=FOLDER)
    into = parser.parse_args().into
    for name, page in PAGES.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_text(page())


if __name__ == "__main__":
    main()
