"""Migrations of a service follow one another: no two have landed under one number."""

from __future__ import annotations

import re

import pytest

from tests.tidy.tree import ROOT

SERVICES = ("ledger", "scoring", "benefits")
LINKS = re.compile(r'^(?:down_)?revision = (?:"(\d{4})"|None)$', re.MULTILINE)


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_numbered_without_a_gap_and_each_names_the_one_before(service: str) -> None:
    folder = ROOT / "services" / f"laurel_{service}" / "storage" / "migrations" / "versions"
    files = sorted(folder.glob("[0-9]*.py"))
    assert [each.name[:4] for each in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    for before, each in zip([None, *files], files, strict=False):
        wanted = [each.name[:4], before.name[:4] if before else ""]
        assert LINKS.findall(each.read_text()) == wanted, each.name
