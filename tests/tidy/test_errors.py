"""Every refusal has a row, every row a reason, and every reason does what its comment promises."""

from __future__ import annotations

import importlib
import pkgutil
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

import grpc
import laurel_kit
import pytest
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, reason_name
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.programs.errors import ProgramError
from laurel_kit.refusals import KitError

from tests.tidy.contracts import Reason, parse_reasons, reasons
from tests.tidy.tree import SERVICES, Source, files, product, python, report

KIT_PARENTS = (KitError, ProgramError)
# Each room of the project numbers its reasons in a range of its own.
RANGES = {"kit": range(1, 100), "ledger": range(100, 200), "scoring": range(200, 300)}
RANGES["benefits"] = range(300, 500)

Table = Mapping[type[Exception], Fault]


def unmapped(refusals: list[type[Exception]], table: Table) -> Iterator[str]:
    """A refusal has a row of its own; a parent of others needs none."""
    for refusal in refusals:
        if refusal not in table and not refusal.__subclasses__():
            yield f"{refusal.__module__}.{refusal.__name__}: no row says what it is on the wire"


def broken_promises(table: Table, promised: Mapping[str, Reason]) -> Iterator[str]:
    """Code, metadata and text of a row are those of the comment of its reason."""
    for refusal, fault in table.items():
        reason = promised.get(reason_name(fault.reason))
        if reason is None:
            yield f"{refusal.__name__}: its reason is not in the contract"
            continue
        if fault.code.name != reason.code:
            yield f"{reason.name}: is {fault.code.name}, its comment says {reason.code}"
        yield from other_metadata(refusal, reason)
        yield from unknown_fields(refusal, fault)


def other_metadata(refusal: type[Exception], reason: Reason) -> Iterator[str]:
    """The example in the comment has the fields of the refusal; optional ones may be left out."""
    if is_dataclass(refusal):
        optional = {each.name for each in fields(refusal) if "None" in str(each.type)}
        names = {each.name for each in fields(refusal)}
        if not names - optional <= reason.metadata <= names:
            yield f"{reason.name}: example {sorted(reason.metadata)}, fields {sorted(names)}"


def unknown_fields(refusal: type[Exception], fault: Fault) -> Iterator[str]:
    """The text of a row is filled from the refusal."""
    if is_dataclass(refusal):
        names = {each.name for each in fields(refusal)}
        for _, name, _, _ in string.Formatter().parse(fault.text):
            if name and name not in names:
                yield f"{refusal.__name__}: its text wants {{{name}}}, which it does not have"


def unused_reasons(tree: tuple[Source, ...], rules: str) -> Iterator[str]:
    """Some code answers with every reason, or a rule of a contract is named after it."""
    text = "\n".join(source.text for source in tree)
    for name in ErrorReason.keys():  # noqa: SIM118  # An enum wrapper is no mapping.
        named = f'id: "{name.removeprefix("ERROR_REASON_")}"' in rules
        if not (name.endswith("_UNSPECIFIED") or named or used(name, text)):
            yield f"{name}: nothing answers with it"


def used(name: str, text: str) -> bool:
    return f"{name}\n" in text or any(f"{name}{mark}" in text for mark in " ,):]}")


def stray_codes(source: Source) -> Iterator[str]:
    """Only tables of faults and the kit know a status code."""
    if source.service and source.room not in {"faults", "clients"}:
        for number, line in enumerate(source.lines, start=1):
            if "StatusCode." in line or "context.abort" in line:
                yield source.at(number, "a status code outside faults")


def refusals_of_kit() -> list[type[Exception]]:
    """Every refusal that the kit defines."""
    for module in pkgutil.walk_packages(laurel_kit.__path__, "laurel_kit."):
        importlib.import_module(module.name)
    return [child for parent in KIT_PARENTS for child in descendants(parent)]


def descendants(parent: type[Exception]) -> list[type[Exception]]:
    children = parent.__subclasses__()
    return children + [grandchild for child in children for grandchild in descendants(child)]


def refusals_of(service: str) -> list[type[Exception]]:
    """Every exception that the domain of a service defines, in `errors` and its neighbours."""
    domain = importlib.import_module(f"laurel_{service}.domain")
    names = [each.name for each in pkgutil.iter_modules(domain.__path__)]
    modules = [
        importlib.import_module(f"{domain.__name__}.{name}")
        for name in names
        if name.endswith("errors")
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    ]


def table_of(service: str) -> Table:
    return importlib.import_module(f"laurel_{service}.faults").FAULTS


def promised() -> dict[str, Reason]:
    return {reason.name: reason for reason in reasons()}


def test_every_refusal_of_the_kit_has_a_row() -> None:
    report(unmapped(refusals_of_kit(), KIT_FAULTS))


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_of_a_service_has_a_row(service: str) -> None:
    report(unmapped(refusals_of(service), table_of(service)))


def test_rows_of_the_kit_keep_the_promise_of_their_reasons() -> None:
    report(broken_promises(KIT_FAULTS, promised()))


@pytest.mark.parametrize("service", SERVICES)
def test_rows_of_a_service_keep_the_promise_of_their_reasons(service: str) -> None:
    report(broken_promises(table_of(service), promised()))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_uses_reasons_of_its_own_range_or_of_the_kit(service: str) -> None:
    allowed = {*RANGES["kit"], *RANGES[service]}
    report(
        f"{reason_name(fault.reason)} belongs to another service"
        for fault in table_of(service).values()
        if fault.reason not in allowed
    )


def test_some_code_answers_with_every_reason() -> None:
    contracts = (path for path in files() if path.suffix == ".proto")
    report(unused_reasons(product(), "\n".join(path.read_text() for path in contracts)))


def test_every_reason_has_a_code_and_an_example() -> None:
    report(
        f"{reason.name}: its comment begins with no status code"
        for reason in reasons()
        if reason.number and not hasattr(grpc.StatusCode, reason.code or "-")
    )


def test_status_codes_stand_in_tables_of_faults() -> None:
    report(line for source in product() for line in stray_codes(source))


@dataclass(eq=False, kw_only=True)
class Probe(Exception):  # It stands for a refusal, which is named for what it says.
    """A refusal made up to see the checks fail."""

    available: int
    until: str | None = None


PROMISE = """enum ErrorReason {
  // ABORTED. Something. `{"available": "1"}`
  ERROR_REASON_CONTENTION = 12;
}"""


def test_a_refusal_without_a_row_is_found() -> None:
    assert list(unmapped([Probe], {}))


@pytest.mark.parametrize(
    ("code", "text", "comment"),
    [
        (grpc.StatusCode.INTERNAL, "{available}", PROMISE),
        (grpc.StatusCode.ABORTED, "{missing}", PROMISE),
        (grpc.StatusCode.ABORTED, "{available}", PROMISE.replace("available", "other")),
        (grpc.StatusCode.ABORTED, "{available}", PROMISE.replace("CONTENTION", "OTHER")),
    ],
)
def test_a_row_that_breaks_its_promise_is_found(
    code: grpc.StatusCode, text: str, comment: str
) -> None:
    row = {Probe: Fault(code, ErrorReason.ERROR_REASON_CONTENTION, text)}
    assert list(broken_promises(row, {reason.name: reason for reason in parse_reasons(comment)}))


def test_a_row_that_keeps_its_promise_passes() -> None:
    row = {
        Probe: Fault(
            grpc.StatusCode.ABORTED, ErrorReason.ERROR_REASON_CONTENTION, "Has {available}."
        )
    }
    report(broken_promises(row, {reason.name: reason for reason in parse_reasons(PROMISE)}))


def test_an_unused_reason_and_a_stray_code_are_found() -> None:
    other = python("x = ErrorReason.ERROR_REASON_QUEUE_FULL_TOO")
    found = list(unused_reasons((other,), 'id: "AMOUNT_TOO_LARGE"'))
    assert "ERROR_REASON_QUEUE_FULL: nothing answers with it" in found
    assert "ERROR_REASON_AMOUNT_TOO_LARGE: nothing answers with it" not in found
    handler = "services/laurel_ledger/handlers/lots.py"
    assert list(stray_codes(python("x = grpc.StatusCode.ABORTED", handler)))
