"""Logs: one line an event, with the ids of its call."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import structlog
from laurel_kit.interceptors.call import CURRENT, Call
from laurel_kit.interceptors.policy import MethodPolicy
from laurel_kit.logs import configure_logs
from laurel_kit.settings import ServiceSettings

POLICY = MethodPolicy(path="/tea.v1.Tea/Pour", scope="tea.pour", write=True, lasting=False)


class TeaSettings(ServiceSettings):
    service: ClassVar[str] = "tea"


class Context:
    """As much of a call's context as logs look at."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", "r-1"), ("x-request-id", "r-2"))

    def peer(self) -> str:
        return "ipv4:10.0.0.1:4"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Whatever a test sets up, the next one finds what was there."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("grpc", "asyncio")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def configured(**settings: Any) -> Any:
    """A logger after the settings."""
    configure_logs(TeaSettings(database_url="postgresql://tea", sandbox=True, **settings))
    return structlog.stdlib.get_logger("tea")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_outside_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log = configured()
    log.info("poured", cups=2)
    logging.getLogger("library").warning("too %s", "hot")
    log.debug("not of interest")
    first, second = lines(capsys)
    assert (first["event"], first["cups"], first["level"]) == ("poured", 2, "info")
    assert (first["service"], first["logger"]) == ("tea", "tea")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("too hot", "warning")


def test_a_line_of_a_call_has_its_ids(capsys: pytest.CaptureFixture[str]) -> None:
    log = configured()
    call = Call(POLICY, Context())
    token = CURRENT.set(call)
    try:
        log.info("poured")
        call.ended = True
        log.info("afterwards")
    finally:
        CURRENT.reset(token)
    during, afterwards = lines(capsys)
    assert (during["method"], during["request_id"]) == ("/tea.v1.Tea/Pour", "r-1")
    assert during["peer"] == "ipv4:10.0.0.1:4"
    assert "trace_id" not in during
    assert "request_id" not in afterwards


def break_cup(password: str) -> None:
    raise ValueError(f"broken cup of {len(password)}")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_does_not_tell_variables(capsys: pytest.CaptureFixture[str], form: str) -> None:
    log = configured(log_format=form)
    try:
        break_cup("hunter" + "2")
    except ValueError:
        log.exception("failed")
    written = capsys.readouterr().err
    assert "broken cup" in written
    assert "hunter2" not in written


def test_libraries_are_quiet_even_when_we_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_level="debug").debug("ours")
    logging.getLogger("sqlalchemy.engine").info("theirs")
    (line,) = lines(capsys)
    assert line["event"] == "ours"
