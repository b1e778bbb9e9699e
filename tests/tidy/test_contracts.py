"""Every RPC is served, tested, described and guarded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tidy.contracts import Rpc, fields_within, rpcs
from tests.tidy.tree import ROOT, SERVICES, Source, python, report, sources

PACKAGES_OF_THE_KIT = {"program", "sandbox"}
SCOPE = re.compile(r"(ledger|scoring|benefits|program|sandbox)\.[a-z]+")
# Writes that need no request id, each with its reason.
WITHOUT_REQUEST_ID = {
    "SetClock": "sets the same instant again",
    "AdvanceClock": "moves a sandbox; a repeat moves it again",
    "RecordActivities": "each activity is known by its activity_id",
    "StreamTransactions": "each transaction has its own",
    "StreamActivities": "each activity is known by its activity_id",
}


def served_methods(tree: tuple[Source, ...]) -> set[str]:
    """`LotService.ListLots` for every method of a class derived from a generated servicer."""
    found: set[str] = set()
    for source in tree:
        for owner in source.classes():
            names = {getattr(item, "name", "") for item in owner.body}
            for base in owner.bases:
                service = ast.unparse(base).rpartition(".")[2].removesuffix("Servicer")
                found |= {f"{service}.{name}" for name in names}
    return found


def unserved(tree: tuple[Source, ...]) -> Iterator[str]:
    """A class derived from the generated servicer has a method of the RPC's name."""
    served = served_methods(tree)
    yield from (f"{rpc}: declared and not served" for rpc in rpcs() if str(rpc) not in served)


def untested(tree: tuple[Source, ...]) -> Iterator[str]:
    """A contract test has the RPC in its name."""
    names = {function.name for source in tree for function in source.functions()}
    for rpc in rpcs():
        named = re.compile(rf"test_(\w+_)?{rpc.snake}(_|$)")
        if not any(named.match(name) for name in names):
            yield f"{rpc}: no contract test is named test_{rpc.snake}_…"


def unhandled(tree: tuple[Source, ...]) -> Iterator[str]:
    """A function in the handlers of the service has the RPC's name."""
    handlers = {
        f"{source.service}.{function.name}"
        for source in tree
        if source.room == "handlers"
        for function in source.functions()
    }
    for rpc in rpcs():
        ours = rpc.package not in PACKAGES_OF_THE_KIT
        if ours and f"{rpc.package}.{rpc.snake}" not in handlers:
            yield f"{rpc}: no handler is named {rpc.snake}"


def unguarded(rpc: Rpc) -> Iterator[str]:
    """The scope of an RPC is named, and no write asks for a reader's scope."""
    if not SCOPE.fullmatch(rpc.scope):
        yield f"{rpc}: the scope {rpc.scope!r} is none of ours"
    if not rpc.reads and rpc.scope.endswith(".read"):
        yield f"{rpc}: a write behind {rpc.scope}, or a read without NO_SIDE_EFFECTS"


def unrepeatable(rpc: Rpc) -> Iterator[str]:
    """A write can be repeated by the id of its request."""
    names = {field.name for field in fields_within(rpc.method.input_type)}
    if not rpc.reads and "request_id" not in names and rpc.name not in WITHOUT_REQUEST_ID:
        yield f"{rpc}: a write without request_id"


def test_every_rpc_is_served() -> None:
    report(unserved(sources("services", "shared")))


def test_every_rpc_has_a_handler_of_its_name() -> None:
    report(unhandled(sources("services")))


def test_every_rpc_has_a_contract_test_of_its_name() -> None:
    report(untested(sources("tests/contract")))


def test_every_rpc_names_its_scope() -> None:
    report(line for rpc in rpcs() for line in unguarded(rpc))


def test_every_write_has_a_request_id() -> None:
    report(line for rpc in rpcs() for line in unrepeatable(rpc))


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_names_its_rpcs(service: str) -> None:
    text = (ROOT / "services" / f"laurel_{service}" / "README.md").read_text()
    report(f"README of {service}: no {rpc}" for rpc in rpcs() if missing(rpc, service, text))


def missing(rpc: Rpc, service: str, text: str) -> bool:
    return rpc.package == service and not re.search(rf"\b{rpc.name}\b", text)


def run_buf(*arguments: str) -> str:
    """What buf has to say; empty when all is well."""
    buf = Path(sys.executable).parent / "buf"
    finished = subprocess.run(
        [buf, *arguments], cwd=ROOT / "protos", capture_output=True, text=True, check=False
    )
    return finished.stdout + finished.stderr


def lint(tmp_path: Path, protos: Path) -> str:
    """Judge the contracts below `protos` by the rules of this tree."""
    image = tmp_path / "contracts.binpb"
    generate = [sys.executable, protos / "generate.py", "--image", image]
    subprocess.run(generate, check=True, capture_output=True)
    return run_buf("lint", f"{image}#format=binpb", "--config", str(ROOT / "protos/buf.yaml"))


def test_contracts_are_clean_and_commented(tmp_path: Path) -> None:
    assert not lint(tmp_path, ROOT / "protos")


def test_a_field_without_a_comment_is_found(tmp_path: Path) -> None:
    protos = tmp_path / "protos"
    folder = protos / "laurel" / "probe" / "v1"
    folder.mkdir(parents=True)
    (protos / "generate.py").write_text((ROOT / "protos/generate.py").read_text())
    (folder / "probe.proto").write_text(
        'syntax = "proto3";\n\npackage laurel.probe.v1;\n\n// M.\nmessage M {\n  int32 n = 1;\n}\n'
    )
    assert "non-empty comment" in lint(tmp_path, protos)


def test_contracts_are_formatted() -> None:
    assert not run_buf("format", "--diff", "--exit-code", "--path", "laurel")


def test_an_rpc_that_nobody_serves_handles_or_tests_is_found() -> None:
    rpc = next(each for each in rpcs() if each.package == "ledger")
    servicer = f"class S(grpc.{rpc.service}Servicer):\n    def {rpc.name}(self): pass"
    handler = python(f"async def {rpc.snake}(): pass", "services/laurel_ledger/handlers/a.py")
    test = python(f"def test_{rpc.snake}_answers(): pass")
    for check, right in ((unserved, python(servicer)), (unhandled, handler), (untested, test)):
        assert any(line.startswith(f"{rpc}:") for line in check(()))
        assert not any(line.startswith(f"{rpc}:") for line in check((right,)))


@pytest.mark.parametrize("change", ["", "ledger.read", "ledger.everything.x"])
def test_an_rpc_behind_the_wrong_scope_is_found(change: str) -> None:
    assert list(unguarded(Probe(scope=change, reads=False)))
    assert not list(unguarded(Probe(scope="ledger.post", reads=False)))


@dataclass(frozen=True)
class Probe:
    """An RPC made up to see a check fail."""

    scope: str
    reads: bool
