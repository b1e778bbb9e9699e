"""Who may know whom. The tree of services and the rooms inside a service stay what they are."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.tidy.tree import SERVICES, Source, offences, product, python, report, sources

CONTRACT_LIBRARIES = ("grpc", "google", "protovalidate", "buf", "laurel")
DATABASE_LIBRARIES = ("sqlalchemy", "asyncpg", "alembic")
# Shared by every service; the rest of `laurel` belongs to one.
SHARED_CONTRACTS = ("laurel.program", "laurel.sandbox", "laurel.auth", "laurel.type")
PURE_KIT = ("laurel_kit.values", "laurel_kit.calendar")
# Standard modules through which the world outside, chance or the time of day would reach a rule.
IMPURE = {
    "asyncio", "http", "importlib", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile",
    "threading", "time", "urllib", "uuid",
}  # fmt: skip
# Rooms of a service that speak gRPC and protobuf; every other room speaks the domain.
DOORS = {"servicer", "servicers", "wire", "faults", "clients", "service", "__main__"}
# What a room never imports of its own service: each looks inwards only.
OUTWARD = {
    "domain": {"handlers", "storage", "wire", "servicer", "servicers", "faults", "clients"},
    "storage": {"handlers", "wire", "servicer", "servicers", "faults", "clients"},
    "handlers": {"wire", "servicer", "servicers", "faults"},
    "engine": {"handlers", "wire", "servicer", "servicers", "faults", "clients"},
    "wire": {"storage", "servicer", "servicers", "clients"},
    "faults": {"handlers", "storage", "wire", "servicer", "servicers"},
    "clients": {"handlers", "storage", "servicer", "servicers"},
    "servicer": {"storage", "clients", "faults"},
    "servicers": {"storage", "clients", "faults"},
    "config": {"handlers", "storage", "wire", "servicer", "servicers", "domain", "clients"},
}
# The benefits service calls the other two; only its clients and their wires know those contracts.
NEIGHBOUR_CONTRACTS = {"benefits": {"ledger", "scoring"}, "ledger": set(), "scoring": set()}


def pure_module(module: str, service: str) -> bool:
    """Whether a rule of `service` may import `module`."""
    top = module.split(".", maxsplit=1)[0]
    if top in sys.stdlib_module_names:
        return top not in IMPURE
    inside = f"laurel_{service}.domain"
    own = (f"{inside}." in f"{module}.") or module == f"laurel_{service}"
    return own or any(module == name or module.startswith(f"{name}.") for name in PURE_KIT)


def impure_domain(source: Source) -> Iterator[str]:
    """Rules import the standard library, themselves and the kit's pure values; nothing waits."""
    if source.room != "domain":
        return
    for found in source.imports:
        if not pure_module(found.module, source.service or "") and found.module != "laurel_kit":
            yield source.at(found.line, f"a rule imports {found.module}")
    for function in source.functions():
        if isinstance(function, ast.AsyncFunctionDef):
            yield source.at(function.lineno, f"a rule waits: async {function.name}")


def impure_values(source: Source) -> Iterator[str]:
    """What rules import of the kit is as pure as they are."""
    if source.path.removeprefix("shared/").removesuffix(".py").replace("/", ".") in PURE_KIT:
        for found in source.imports:
            top = found.module.split(".", maxsplit=1)[0]
            if not found.within(*PURE_KIT) and (
                top in IMPURE or top not in sys.stdlib_module_names
            ):
                yield source.at(found.line, f"a pure module of the kit imports {found.module}")


def neighbour_imports(source: Source) -> Iterator[str]:
    """Services meet in contracts; none imports another, or the command."""
    if source.service:
        others = [f"laurel_{name}" for name in SERVICES if name != source.service]
        for found in source.imports:
            if found.within("laurel_cli", *others):
                yield source.at(found.line, f"reaches into {found.module}")


def foreign_contracts(source: Source) -> Iterator[str]:
    """A service knows its own contract; only clients and wires of benefits know two more."""
    if not source.service:
        return
    known = [*SHARED_CONTRACTS, f"laurel.{source.service}"]
    if source.room in {"clients", "wire"}:
        known += [f"laurel.{name}" for name in NEIGHBOUR_CONTRACTS[source.service]]
    for found in source.imports:
        if found.within("laurel") and found.module != "laurel" and not found.within(*known):
            yield source.at(found.line, f"imports the contract {found.module}")


def contract_libraries(source: Source) -> Iterator[str]:
    """Only the doors of a service know gRPC and protobuf."""
    if source.service and source.room not in DOORS:
        for found in source.imports:
            if found.within(*CONTRACT_LIBRARIES):
                yield source.at(found.line, f"{source.room} imports {found.module}")


def database_libraries(source: Source) -> Iterator[str]:
    """Only `storage/` of a service knows the database's libraries."""
    if source.service and source.room != "storage":
        for found in source.imports:
            if found.within(*DATABASE_LIBRARIES):
                yield source.at(found.line, f"{source.room} imports {found.module}")


def outward_imports(source: Source) -> Iterator[str]:
    """Each room of a service looks inwards: doors to handlers, handlers to storage and domain."""
    for outer in sorted(OUTWARD.get(source.room or "", ())):
        for found in source.imports:
            if found.within(f"laurel_{source.service}.{outer}"):
                yield source.at(found.line, f"{source.room} imports {found.module}")


def kit_knows_loyalty(source: Source) -> Iterator[str]:
    """The kit knows no service, no contract of one and no command."""
    if source.parts[:2] == ("shared", "laurel_kit"):
        services = [f"laurel_{name}" for name in SERVICES]
        contracts = [f"laurel.{name}" for name in SERVICES]
        for found in source.imports:
            if found.within("laurel_cli", *services, *contracts):
                yield source.at(found.line, f"the kit imports {found.module}")


LAYERS = {
    check.__name__: check
    for check in (
        impure_domain,
        impure_values,
        neighbour_imports,
        foreign_contracts,
        contract_libraries,
        database_libraries,
        outward_imports,
        kit_knows_loyalty,
    )
}

LEDGER = "services/laurel_ledger"
BENEFITS = "services/laurel_benefits"
VIOLATIONS = [
    ("impure_domain", f"{LEDGER}/domain/lots.py", "import sqlalchemy"),
    ("impure_domain", f"{LEDGER}/domain/lots.py", "import random"),
    ("impure_domain", f"{LEDGER}/domain/lots.py", "from laurel_kit.clock import Clock"),
    ("impure_domain", f"{LEDGER}/domain/lots.py", "from ..storage import tables"),
    ("impure_domain", f"{LEDGER}/domain/lots.py", "async def decide(): ..."),
    ("impure_values", "shared/laurel_kit/values.py", "from laurel_kit.database import Database"),
    ("impure_values", "shared/laurel_kit/calendar.py", "import time"),
    ("neighbour_imports", f"{BENEFITS}/clients.py", "from laurel_ledger.domain import lots"),
    ("neighbour_imports", f"{LEDGER}/service.py", "import laurel_cli.__main__"),
    ("foreign_contracts", f"{LEDGER}/wire/lots.py", "from laurel.scoring.v1 import scores_pb2"),
    ("foreign_contracts", f"{BENEFITS}/servicers/a.py", "from laurel.ledger.v1 import lots_pb2"),
    ("contract_libraries", f"{LEDGER}/handlers/lots.py", "import grpc"),
    ("contract_libraries", f"{LEDGER}/storage/lots.py", "from google.type import money_pb2"),
    ("database_libraries", f"{LEDGER}/handlers/lots.py", "from sqlalchemy import text"),
    ("outward_imports", f"{LEDGER}/storage/lots.py", "from laurel_ledger.handlers import lots"),
    ("outward_imports", f"{LEDGER}/servicers/lots.py", "from laurel_ledger import storage"),
    ("kit_knows_loyalty", "shared/laurel_kit/feed.py", "from laurel.ledger.v1 import lots_pb2"),
    ("kit_knows_loyalty", "shared/laurel_kit/feed.py", "import laurel_scoring"),
]
ALLOWED = [
    (f"{LEDGER}/domain/lots.py", "from datetime import datetime\nfrom laurel_kit import values"),
    (f"{LEDGER}/domain/lots.py", "from laurel_ledger.domain.errors import LotExpired"),
    (f"{LEDGER}/handlers/lots.py", "from laurel_ledger.storage import lots"),
    (f"{LEDGER}/storage/lots.py", "from sqlalchemy import text"),
    (f"{LEDGER}/wire/lots.py", "from laurel.ledger.v1 import lots_pb2"),
    (f"{BENEFITS}/clients.py", "from laurel.ledger.v1 import lots_pb2"),
    ("shared/laurel_kit/feed.py", "import grpc\nfrom laurel.type.v1 import error_reason_pb2"),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_every_file_imports_only_what_its_room_may_know(layer: str) -> None:
    report(offences(LAYERS[layer], product()))


@pytest.mark.parametrize(("layer", "path", "text"), VIOLATIONS)
def test_a_layer_refuses_what_it_is_there_to_refuse(layer: str, path: str, text: str) -> None:
    assert offences(LAYERS[layer], [python(text, path)])


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_the_layers_let_pass_what_belongs_there(path: str, text: str) -> None:
    for check in LAYERS.values():
        report(offences(check, [python(text, path)]))


def test_every_room_of_a_service_is_known_to_the_layers() -> None:
    rooms = {source.room for source in sources("services")}
    assert rooms <= OUTWARD.keys() | DOORS | {"__init__"}
