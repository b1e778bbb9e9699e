"""Words that have no place in the tree: work left open, tests left out, places of one machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.tidy.tree import ROOT, files, relative, report

TEXTS = {
    ".py", ".proto", ".md", ".yaml", ".yml", ".toml", ".sql", ".sh", ".ini", ".mako", ".json",
    ".html", ".txt", "", ".cfg", ".lock",
}  # fmt: skip
# Left open: an entry in the issue tracker is the place for it.
OPEN = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
# Left out: a test that does not run proves nothing.
LEFT_OUT = re.compile(
    r"pytest\.(sk" + r"ip|xf" + r"ail|import" + r"orskip)|mark\.(sk" + r"ip|xf" + r"ail)"
    r"|unittest\.(sk" + r"ip|expected)"
)
# Where one person's machine keeps things.
PLACES = re.compile(r"(?<![\w.:/*-])/(?:home|root|work|mnt|Users|opt/venv|workspace)(?:/|\b)(?!-)")
# A folder beside the tree is not part of it, even where it has the name of one inside.
UPWARDS = re.compile(r"(?<![\w./])((?:\.\./)+)(\w+)/")
# Packages come from whatever index pip is set up with.
INDEXES = re.compile(r"(?i)--(extra-)?index" + r"-url|PIP_(EXTRA_)?INDEX_URL|--trusted" + r"-host")
# Addresses that a reader may be sent to, or that name a standard.
HOSTS = re.compile(r"https?://([\w.-]+)")
KNOWN_HOSTS = {
    "127.0.0.1", "localhost", "keepachangelog.com", "semver.org", "www.w3.org", "example.com",
    "issuer.example", "google.aip.dev",
}  # fmt: skip
BRITISH = re.compile(r"\bprogramme(s|d)?\b", re.IGNORECASE)

WORDS = {
    "left open": OPEN,
    "a test left out": LEFT_OUT,
    "a place of one machine": PLACES,
    "an index of packages": INDEXES,
    "the word is `program`": BRITISH,
}
# Files in which a word stands for a reason.
EXCEPT = {
    # Titles and addresses are quoted as they are.
    ("docs/rules.md", "the word is `program`"),
}


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Every file of text in the tree that people wrote, by its path."""
    return tuple(
        (relative(path), path.read_text())
        for path in files()
        if path.suffix in TEXTS and not relative(path).startswith(("shared/buf/",))
    )


def unwanted(path: str, text: str) -> Iterator[str]:
    """Every word that has no place here."""
    for what, pattern in WORDS.items():
        if (path, what) not in EXCEPT:
            yield from matches(path, text, what, pattern)
    yield from outside(path, text)


def outside(path: str, text: str) -> Iterator[str]:
    """Ways that lead out of the tree from where the file stands."""
    depth = path.count("/")
    for number, line in enumerate(text.splitlines(), start=1):
        for steps, folder in UPWARDS.findall(line):
            if steps.count("../") > depth:
                yield f"{path}:{number}: {steps}{folder} is outside of the tree"


def matches(path: str, text: str, what: str, pattern: re.Pattern[str]) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := pattern.search(line):
            yield f"{path}:{number}: {found[0]!r}: {what}"


def foreign_hosts(path: str, text: str) -> Iterator[str]:
    """Addresses that are neither this machine nor a standard."""
    for number, line in enumerate(text.splitlines(), start=1):
        for host in HOSTS.findall(line):
            if host not in KNOWN_HOSTS and not host.endswith((".example", ".invalid", ".test")):
                yield f"{path}:{number}: sends the reader to {host}"


def test_no_word_is_out_of_place() -> None:
    report(line for path, text in texts() for line in unwanted(path, text))


def test_addresses_are_of_this_machine_or_of_standards() -> None:
    report(line for path, text in texts() for line in foreign_hosts(path, text))


@pytest.mark.parametrize(
    "text",
    [
        "# TO" + "DO: later",
        "# FIX" + "ME",
        "@pytest.mark.sk" + "ip",
        "pytest.xf" + "ail()",
        "cd /wo" + "rk/laurel",
        "see /ho" + "me/me/notes",
        "read ../sha" + "red/rules.md",
        "pip install --index" + "-url x",
        "a loyalty program" + "me",
    ],
)
def test_a_word_out_of_place_is_found(text: str) -> None:
    assert list(unwanted("README.md", text))


def test_a_foreign_address_is_found() -> None:
    assert list(foreign_hosts("README.md", "https:" + "//packages.intranet/simple"))


def test_a_way_up_that_stays_in_the_tree_passes() -> None:
    link = "[program](../sha" + "red/programs/jd.yaml)"
    assert not list(unwanted("docs/a.md", link))
    assert list(unwanted("README.md", link))


def test_the_words_of_the_trade_pass() -> None:
    report(unwanted("a.py", "todos = programmer / work.root  # skip locked, tests/home/x"))


def test_the_exceptions_are_still_needed() -> None:
    by_path = dict(texts())
    for path, what in sorted(EXCEPT):
        assert (ROOT / path).exists(), path
        assert list(matches(path, by_path[path], what, WORDS[what])), f"{path}: {what}"
