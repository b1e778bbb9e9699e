"""The golden cases of the rule book as data, and who plays them against one world or another."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import laurel
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from laurel_cli.clocks import read_distance
from ruamel.yaml import YAML

from tests.support.programs import shipped_text

TABLE = YAML(typ="safe").load((Path(__file__).parents[1] / "e2e" / "cases.yaml").read_text())
CASES: dict[str, dict[str, Any]] = {case["case"]: case for case in TABLE["cases"]}


class World(Protocol):
    """What cases are played in."""

    async def set_clock(self, instant: datetime) -> None:
        """Put the clock to an instant; nothing falls due."""

    async def advance_clock(self, until: datetime) -> None:
        """Move the clock on, whatever falls due on the way."""

    async def apply(self, text: str) -> None:
        """Apply a program file."""

    async def call(self, method: MethodDescriptor, request: Message) -> Message:
        """Make a call."""


async def play_case(world: World, name: str) -> None:
    """Play a case from its beginning to its end."""
    case = CASES[name]
    await world.set_clock(instant(case["at"]))
    program_id = "jd"
    if "program" in case:
        program_id = f"case-{name.lower()}"
        await world.apply(program_of(case["program"], program_id))
    player = Player(world, program_id, f"case-{name.lower()}")
    for step in steps_of(case):
        await player.play(step)


def steps_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What is done in a case, beginning with what its members have before."""
    return [*TABLE["givens"].get(case.get("given"), []), *case["steps"]]


def program_of(name: str, program_id: str) -> str:
    """A program of the table under a name of its own, so that its settlements are its own."""
    told = TABLE["programs"][name]
    text: str = shipped_text(told["file"])
    changes = {f"program_id: {told['file']}\n": f"program_id: {program_id}\n"}
    for old, new in {**changes, **told.get("changes", {})}.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def load_contracts() -> None:
    """Have every message and service known by its name."""
    for module in pkgutil.walk_packages(laurel.__path__, "laurel."):
        if module.name.endswith("_pb2"):
            importlib.import_module(module.name)


class Player:
    """Plays the steps of one case."""

    def __init__(self, world: World, program_id: str, member_id: str) -> None:
        self.world = world
        self.values: dict[str, Any] = {"member": member_id, "program": program_id}
        self.calls = 0

    async def play(self, step: dict[str, Any]) -> None:
        """Move the clocks, call, compare and keep, as far as the step asks for each."""
        if "advance" in step:
            await self.world.advance_clock(instant(step["advance"]))
        if "call" not in step:
            return
        answer = await self.call(step)
        for name, amount in step.get("add", {}).items():
            self.values[name] = str(int(self.values[name]) + amount)
        compare(self.filled(step.get("expect", {})), answer, step["call"].rpartition("/")[2])
        for name, path in step.get("keep", {}).items():
            self.values[name] = at_path(answer, path)

    async def call(self, step: dict[str, Any]) -> dict[str, Any]:
        """Make the step's call."""
        method = method_of(step["call"])
        answer = await self.world.call(method, self.request(method, step))
        refuse_item_errors(answer)
        return json_format.MessageToDict(
            answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )

    def request(self, method: MethodDescriptor, step: dict[str, Any]) -> Any:
        """The request of a step, with what every request has filled in."""
        self.calls += 1
        usual = {
            "program_id": self.values["program"],
            "member_id": self.values["member"],
            "request_id": f"{self.values['member']}-{self.calls}",
        }
        fields = method.input_type.fields_by_name
        known = {field: value for field, value in usual.items() if field in fields}
        filled = {**known, **self.filled(step["request"])}
        for activity in filled.get("activities", []):
            if "member_id" in fields["activities"].message_type.fields_by_name:
                activity.setdefault("member_id", self.values["member"])
        return json_format.ParseDict(filled, message_factory.GetMessageClass(method.input_type)())

    def filled(self, part: Any) -> Any:
        """A part of the table with `$name` replaced by values and repeated items written out."""
        match part:
            case dict():
                return {key: self.filled(value) for key, value in part.items()}
            case list():
                return [self.filled(each) for item in part for each in written_out(item)]
            case str() if part.startswith("$"):
                return self.values[part[1:]]
        return part


def written_out(item: Any) -> Iterator[Any]:
    """The items that an item with `repeat` stands for."""
    if not isinstance(item, dict) or "repeat" not in item:
        yield item
        return
    rest = {key: value for key, value in item.items() if key not in {"repeat", "every"}}
    first = instant(rest["activity_time"])
    for number in range(item["repeat"]):
        time = first + number * read_distance(item["every"])
        yield {**numbered(rest, number + 1), "activity_time": time.isoformat()}


def numbered(part: Any, number: int) -> Any:
    """A part of the table with `$n` replaced by a number."""
    match part:
        case dict():
            return {key: numbered(value, number) for key, value in part.items()}
        case list():
            return [numbered(each, number) for each in part]
        case str():
            return part.replace("$n", str(number))
    return part


def compare(expected: Any, actual: Any, where: str) -> None:
    """Whether the answer says what is expected; what is not expected may be anything."""
    match expected:
        case None:
            assert actual is None, where
        case dict():
            for key, value in expected.items():
                compare(value, (actual or {}).get(key), f"{where}.{key}")
        case list():
            assert len(actual) == len(expected), f"{where}: {actual}"
            for number, (each, other) in enumerate(zip(expected, actual, strict=True)):
                compare(each, other, f"{where}[{number}]")
        case bool():
            assert actual is expected, where
        case _:
            # Large whole numbers are strings in JSON.
            assert str(actual) == str(expected), where


def at_path(answer: Any, path: str) -> Any:
    """A part of an answer by its dotted path; items of a list by their places, from 0."""
    for key in path.split("."):
        answer = answer[int(key) if isinstance(answer, list) else key]
    return answer


def refuse_item_errors(answer: Any) -> None:
    """Fail when an item of a batch was refused."""
    for result in getattr(answer, "results", ()):
        assert not result.HasField("error"), result.error


def method_of(name: str) -> MethodDescriptor:
    """The descriptor of `package.Service/Method`."""
    service, _, method = name.partition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]


def instant(text: str) -> datetime:
    """An instant of the table."""
    return datetime.fromisoformat(text).astimezone(UTC)
