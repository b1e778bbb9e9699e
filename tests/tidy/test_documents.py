"""What the documents say is so: links lead somewhere, cited rules exist, every setting is told."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from laurel_kit.settings import ServiceSettings

from tests.tidy.tree import ROOT, SERVICES, Source, files, python, relative, report, sources

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
# `A1`, `E23`, `P07`, `Q12b`, `X3`: one letter of the rule book and a number, nothing glued to it.
RULE_IDS = r"[A-NPQX]\d{1,2}b?"
DECLARED = re.compile(rf"^(?:- |\| )({RULE_IDS})(?:\.| \|)", re.MULTILINE)
# Cited in brackets, alone or in a row: (E3), (X3, X4), (A14 and E16), (C5-C7).
CITED = re.compile(
    rf"\((?:rules? )?({RULE_IDS}(?:(?:, | and |-|–|; ){RULE_IDS})*)(?=[),:])", re.ASCII
)
LINES_OF_README_MAX = 150


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def dead_links(path: Path, text: str) -> Iterator[str]:
    """Links to files or headings that are not there."""
    for target, heading in LINK.findall(text):
        place = (path.parent / target) if target else path
        if not place.exists():
            yield f"{relative(path)}: leads nowhere: {target}"
        elif heading and heading not in anchors(place.read_text()):
            yield f"{relative(path)}: {target} has no heading #{heading}"


def anchors(text: str) -> set[str]:
    """The names by which headings are linked."""
    headings = (re.sub(r"[^\w\- ]", "", found.lower()) for found in HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in headings}


@cache
def rule_ids() -> frozenset[str]:
    """Every rule, case and question of the rule book."""
    return frozenset(DECLARED.findall((ROOT / "docs" / "rules.md").read_text()))


def unknown_rules(source: Source) -> Iterator[str]:
    """Rules that are cited and not in the book."""
    for line, text in source.prose():
        for cited in CITED.findall(text):
            for rule in re.findall(RULE_IDS, cited):
                if rule not in rule_ids():
                    yield source.at(line, f"cites {rule}, which is no rule")


def untold_settings(kind: type[ServiceSettings], text: str) -> Iterator[str]:
    """Settings that a page does not name, or names without saying what they are."""
    for name, field in kind.model_fields.items():
        if not re.search(rf"^\| `{name.upper()}` \| .* \| \S.* \|$", text, re.MULTILINE):
            yield f"{kind.variable(name)} is not told"
        if not field.description:
            yield f"{kind.variable(name)} has no docstring"


def settings_of(service: str) -> type[ServiceSettings]:
    """The settings that the service reads."""
    config = importlib.import_module(f"laurel_{service}.config")
    kinds = [kind for kind in vars(config).values() if isinstance(kind, type)]
    return next(
        kind for kind in kinds if issubclass(kind, ServiceSettings) and kind is not ServiceSettings
    )


def stale_pages(made: Path, kept: Path) -> Iterator[str]:
    """Generated pages that are not what the generator writes."""
    for path in sorted(each for each in made.rglob("*") if each.is_file()):
        name = path.relative_to(made)
        if not (kept / name).exists() or (kept / name).read_text() != path.read_text():
            yield f"{name}: stale, run `make docs`"


def test_generated_pages_are_fresh(tmp_path: Path) -> None:
    generate = [sys.executable, ROOT / "docs" / "generate.py", "--into", tmp_path]
    subprocess.run(generate, check=True, capture_output=True)
    assert any(tmp_path.iterdir())
    report(stale_pages(tmp_path, ROOT / "docs"))


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "settings.md").write_text("# Other settings\n")
    (tmp_path / "new.md").write_text("")
    assert len(list(stale_pages(tmp_path, ROOT / "docs"))) == 2


def test_every_link_leads_somewhere() -> None:
    report(line for path in documents() for line in dead_links(path, path.read_text()))


def test_a_dead_link_is_found() -> None:
    readme = ROOT / "README.md"
    assert list(dead_links(readme, "[a](no/such/file.md)"))
    assert list(dead_links(readme, "[a](docs/rules.md#no-such-heading)"))
    assert not list(dead_links(readme, "[a](docs/rules.md#01-source-tags)"))


def test_the_rule_book_has_all_its_sections() -> None:
    sections = {rule[0] for rule in rule_ids()}
    assert sections == set("ABCDEFGHIJKLMNPQX")
    assert {"A1", "C16", "E23", "F19", "P07", "Q12b", "X9"} <= rule_ids()


def test_every_rule_that_code_cites_is_in_the_book() -> None:
    report(line for source in sources() for line in unknown_rules(source))


def test_a_rule_that_does_not_exist_is_found() -> None:
    assert list(unknown_rules(python('"""Rounds down (X3, X44)."""')))
    assert not list(unknown_rules(python('"""Rounds down (X3, X4), on time (UTC+8)."""')))


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_of_settings_tells_every_setting(service: str) -> None:
    report(untold_settings(settings_of(service), (ROOT / "docs" / "settings.md").read_text()))


def test_an_untold_setting_is_found() -> None:
    assert list(untold_settings(ServiceSettings, "| `ADDRESS` | | |"))
    told = "".join(f"| `{name.upper()}` | x | y |\n" for name in ServiceSettings.model_fields)
    assert not list(untold_settings(ServiceSettings, told))


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_is_one_page(service: str) -> None:
    text = (ROOT / "services" / f"laurel_{service}" / "README.md").read_text()
    headings = {heading.lower() for heading in HEADING.findall(text)}
    assert {"invariants", "decisions"} <= headings
    assert len(text.splitlines()) <= LINES_OF_README_MAX


def test_the_changelog_opens_with_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert HEADING.findall(text)[1].startswith("[Unreleased]")
