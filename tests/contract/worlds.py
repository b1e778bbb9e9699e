"""The whole suite in this process, with a program applied and a little history to ask about."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import asyncpg
import grpc
from google.longrunning import operations_pb2
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from laurel.program.v1 import program_service_pb2, program_service_pb2_grpc
from laurel_kit.settings import ServiceSettings
from ruamel.yaml import YAML

from tests.contract.histories import HISTORY
from tests.contract.random_requests import Words
from tests.support.clocks import settable_clock
from tests.support.databases import DatabaseOf, TestDatabases
from tests.support.servers import served
from tests.tidy.tree import ROOT, SERVICES

PROGRAM = ROOT / "shared" / "programs" / "jd.yaml"
TABLES = """
    select quote_ident(relname) from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
"""


@dataclass(repr=False)
class Seat:
    """One service of the world: how to call it, and how to look into its tables."""

    name: str
    address: str
    channel: grpc.aio.Channel
    tables: asyncpg.Connection
    counting: str

    async def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        found = await self.tables.fetch(self.counting)
        return {record["name"]: record["rows"] for record in found}

    async def call(self, method: MethodDescriptor, request: Message, seconds: float) -> Message:
        """The answer, of a stream the first one. Raises grpc.aio.AioRpcError."""
        coding = {
            "request_serializer": type(request).SerializeToString,
            "response_deserializer": message_factory.GetMessageClass(method.output_type).FromString,
        }
        path = f"/{method.containing_service.full_name}/{method.name}"
        if not method.server_streaming:
            return await self.channel.unary_unary(path, **coding)(request, timeout=seconds)
        responses = self.channel.unary_stream(path, **coding)(request, timeout=seconds)
        try:
            # A stream may end without having had anything to tell.
            return await anext(aiter(responses), coding["response_deserializer"](b""))
        finally:
            responses.cancel()


class World:
    """The three services and the words that mean something to them."""

    def __init__(self, words: Words) -> None:
        self.seats: dict[str, Seat] = {}
        self.words = words


@asynccontextmanager
async def populated_world(databases: TestDatabases) -> AsyncIterator[World]:
    """The suite for the length of the block."""
    async with AsyncExitStack() as stack:
        own = DatabaseOf(databases)
        stack.push_async_callback(own.close)
        world = World(program_words())
        for name in SERVICES:
            world.seats[name] = await stack.enter_async_context(seat(name, own, world))
        for each in world.seats.values():
            await apply_program(each)
        await play(world)
        yield world


@asynccontextmanager
async def seat(name: str, databases: DatabaseOf, world: World) -> AsyncIterator[Seat]:
    """One service over an empty database; it finds the ones it calls in the world."""
    access = await databases.access(name)
    others = {f"{other}_address": each.address for other, each in world.seats.items()}
    settings = settings_of(name, database_url=access.url, others=others)
    build = importlib.import_module(f"laurel_{name}.service").build
    async with served(build, settings, clock=settable_clock()) as server:
        tables = await asyncpg.connect(access.owner_url)
        try:
            address = f"127.0.0.1:{server.running.server.port}"
            yield Seat(name, address, server.channel, tables, await counting(tables))
        finally:
            await tables.close()


async def counting(tables: asyncpg.Connection) -> str:
    """The statement that counts the rows of every table."""
    names = [record[0] for record in await tables.fetch(TABLES)]
    return " union all ".join(
        f"select '{table}' as name, count(*) as rows from {table}" for table in names
    )


def settings_of(name: str, *, database_url: str, others: dict[str, str]) -> ServiceSettings:
    """The settings of a service in sandbox mode on a free port."""
    config = importlib.import_module(f"laurel_{name}.config")
    kind = next(
        value
        for value in vars(config).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value is not ServiceSettings
    )
    known = {key: value for key, value in others.items() if key in kind.model_fields}
    return kind(database_url=database_url, address="127.0.0.1:0", sandbox=True, **known)


async def apply_program(each: Seat) -> None:
    """Apply the program, so that requests can be about something."""
    stub: Any = program_service_pb2_grpc.ProgramServiceStub(each.channel)
    request = program_service_pb2.ApplyRevisionRequest(
        request_id="apply-1", source=PROGRAM.read_text()
    )
    await stub.ApplyRevision(request, timeout=50)


async def finish(each: Seat, operation: operations_pb2.Operation) -> None:
    """Wait for the end of an operation: what it does is no trace of the requests after it."""
    waiting = operations_pb2.WaitOperationRequest(name=operation.name)
    services = operations_pb2.DESCRIPTOR.services_by_name
    method = services["Operations"].methods_by_name["WaitOperation"]
    ended: Any = await each.call(method, waiting, 20)
    assert ended.done, ended


async def play(world: World) -> None:
    """Let the history happen, and keep its requests to be varied."""
    remembered = ""
    for step in HISTORY:
        method = descriptor_pool.Default().FindMethodByName(step.rpc)
        text = json.dumps(step.request).replace('"{}"', f'"{remembered}"')
        request = message_factory.GetMessageClass(method.input_type)()
        json_format.Parse(text, request)
        answer = await world.seats[step.service].call(method, request, 20)
        if isinstance(answer, operations_pb2.Operation):
            await finish(world.seats[step.service], answer)
        if step.remember:
            remembered = attrgetter(step.remember)(answer)
            assert remembered, f"{step.rpc} answered without {step.remember}: {answer}"
            field = step.remember.rpartition(".")[2]
            world.words.known[field] = (*world.words.of(field), remembered)
        world.words.samples.setdefault(method.input_type.full_name, []).append(request)


def program_words() -> Words:
    """What the program calls its things, by the names of fields, and ids for everything else."""
    known: dict[str, set[str]] = {}
    for key, text in scalars(YAML(typ="safe").load(PROGRAM.read_text()), key=""):
        known.setdefault(key, set()).add(text)
    for key in ("member_id", "request_id", "order_id", "activity_id", "line_id", "sku_id"):
        known[key] = {f"{key[0]}-{number}" for number in range(1, 4)}
    words = {key: tuple(sorted(texts)) for key, texts in known.items()}
    return Words(words, sources=(PROGRAM.read_text(),))


def scalars(node: object, key: str) -> Iterator[tuple[str, str]]:
    """Every text of the file with its key; texts of a list have the key in the singular."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from scalars(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from scalars(value, singular(key))
    elif isinstance(node, str):
        yield key, node


def singular(key: str) -> str:
    """`goods_class` of `goods_classes`, `payment_method` of `payment_methods`."""
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if key.endswith(ending):
            return key.removesuffix(ending) + replacement
    return key
