"""Calls to other services: deadlines, ids and tokens are passed on, and what is away is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from laurel_kit.channels import dependency, open_channel, reason_of
from laurel_kit.interceptors.call import current_call
from laurel_kit.refusals import DeadlineExceeded, DependencyDown, ShuttingDown

from tests.contract.kit.credentials import Signer, Vault, token_settings
from tests.contract.kit.echo import (
    Echo,
    EchoRequest,
    EchoSettings,
    Stub,
    calling,
    collect,
    refusal,
    serving,
)

TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@asynccontextmanager
async def reaching(port: int, **settings: Any) -> AsyncIterator[Stub]:
    """A stub as one service has it of another."""
    async with reaching_channel(port, **settings) as channel:
        yield Stub(channel)


def reaching_channel(port: int, **settings: Any) -> grpc.aio.Channel:
    """A channel as one service has it to another."""
    return open_channel(f"localhost:{port}", EchoSettings(**settings))


class Notes:
    """An act that notes what it is called with."""

    def __init__(self) -> None:
        self.remaining: list[float | None] = []
        self.metadata: list[dict[str, Any]] = []

    async def __call__(self, request: Any, context: Any) -> str:
        self.remaining.append(context.time_remaining())
        self.metadata.append(dict(context.invocation_metadata()))
        return str(request.text)


@asynccontextmanager
async def forwarding(port: int, notes: list[Any] | None = None) -> AsyncIterator[Stub]:
    """A stub of a server whose every call makes the same call to the server behind it."""
    async with reaching(port) as behind:

        async def pass_on(request: Any, context: Any) -> str:
            try:
                with dependency("behind"):
                    return str((await behind.Write(request)).text)
            except Exception as error:
                if notes is not None:
                    notes.append(error)
                raise

        async with serving(Echo(pass_on)) as server, calling(server) as stub:
            yield stub


async def test_a_call_has_a_deadline_of_its_own() -> None:
    notes = Notes()
    async with serving(Echo(notes)) as server, reaching(server.port) as stub:
        assert (await stub.Write(EchoRequest(text="a"))).text == "a"
        assert (await stub.Write(EchoRequest(text="a"), timeout=50)).text == "a"
        assert await collect(stub.Watch(EchoRequest(text="a", count=1))) == ["a"]
        assert (await stub.Collect(iter([EchoRequest(text="a")]), timeout=9)).text == "a"
        assert await collect(stub.Chat(iter([EchoRequest(text="a")]), timeout=9)) == ["a"]
    own, wanted, stream, *_ = notes.remaining
    assert own is not None
    assert 4 < own < 5.1
    assert wanted is not None
    assert 49 < wanted < 50.5
    assert stream is None


async def test_a_call_never_outlasts_the_call_it_is_made_for() -> None:
    notes = Notes()
    async with serving(Echo(notes)) as server, forwarding(server.port) as stub:
        await stub.Write(EchoRequest(), timeout=2)
        await stub.Write(EchoRequest(), timeout=50)
    first, second = notes.remaining
    assert first is not None
    assert 1 < first < 2.1
    assert second is not None
    assert 4 < second < 5.1


async def test_no_call_is_made_for_a_caller_without_time() -> None:
    raised: list[Exception] = []

    async def late(request: Any, context: Any) -> str:
        call = current_call()
        assert call is not None
        call.remaining = 0.0
        async with reaching(1) as stub:
            try:
                return str(await stub.Write(EchoRequest()))
            except DeadlineExceeded as error:
                raised.append(error)
                raise

    async with serving(Echo(late)) as server, calling(server) as stub:
        refused = await refusal(stub.Write(EchoRequest(), timeout=30))
    assert refused.reason == "DEADLINE_EXCEEDED"
    assert raised


async def test_ids_are_passed_on() -> None:
    notes = Notes()
    sent = (("x-request-id", "r-9"), ("traceparent", TRACE_PARENT))
    async with serving(Echo(notes)) as server, forwarding(server.port) as stub:
        await stub.Write(EchoRequest(), timeout=2, metadata=sent)
        await stub.Write(EchoRequest(), timeout=2)
    first, second = notes.metadata
    assert first["x-request-id"] == "r-9"
    assert first["traceparent"] == TRACE_PARENT
    # A call without ids gets one at the first server, and keeps it from there on.
    assert len(second["x-request-id"]) == 36


async def test_a_call_is_repeated_while_the_other_side_is_unavailable() -> None:
    tries = 0

    async def third_time(request: Any, context: Any) -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ShuttingDown
        return "done"

    async with serving(Echo(third_time)) as server, reaching(server.port) as stub:
        assert (await stub.Write(EchoRequest())).text == "done"
    assert tries == 3


async def test_a_service_that_is_away_is_named() -> None:
    notes: list[Any] = []
    async with serving() as gone:
        port = gone.port
    async with forwarding(port, notes) as stub:
        refused = await refusal(stub.Write(EchoRequest(), timeout=10))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_DOWN")
    assert refused.metadata == {"dependency": "behind"}
    assert "google.rpc.RetryInfo" in refused.kinds
    assert isinstance(notes[0], DependencyDown)


async def test_a_service_that_does_not_answer_in_time_is_named() -> None:
    async def forever(request: Any, context: Any) -> str:
        await asyncio.Event().wait()
        return ""

    async with serving(Echo(forever)) as server, reaching(server.port) as stub:
        with pytest.raises(DependencyDown), dependency("slow"):
            await stub.Write(EchoRequest(), timeout=0.1)


async def test_a_refusal_of_the_other_side_passes_with_its_reason() -> None:
    async with serving() as server, reaching(server.port) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised, dependency("echo"):
            await stub.Write(EchoRequest(count=101))
    assert reason_of(raised.value) == ("REQUEST_INVALID", {"violations": "1"})


async def test_a_service_shows_its_token_and_its_certificate(tmp_path: Path) -> None:
    signer = Signer.at(tmp_path / "issuer.pem")
    token_file = tmp_path / "token"
    token_file.write_text(signer.token("echo.write") + "\n")
    vault = Vault.at(tmp_path)
    shown = vault.authority.issue_cert("benefits.example")
    shown.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    shown.private_key_pem.write_to_path(tmp_path / "own-key.pem")
    settings = {
        "caller_token_file": token_file,
        "caller_authority_file": vault.file("authority"),
        "caller_certificate_file": tmp_path / "own.pem",
        "caller_key_file": tmp_path / "own-key.pem",
    }
    server_settings = {**vault.settings(clients=True), **token_settings(signer.file)}
    async with serving(**server_settings) as server, reaching(server.port, **settings) as stub:
        assert (await stub.Write(EchoRequest(text="a"))).text == "a"


async def test_a_channel_is_a_channel() -> None:
    async with serving() as server, reaching_channel(server.port) as channel:
        assert channel.get_state(try_to_connect=True) == grpc.ChannelConnectivity.IDLE
        await channel.wait_for_state_change(grpc.ChannelConnectivity.IDLE)
        await channel.channel_ready()
        assert channel.get_state() == grpc.ChannelConnectivity.READY
