"""Who may call: tokens, client certificates, and what happens when keys and certificates change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
import trustme
from laurel_kit import files
from laurel_kit.access import current_caller
from laurel_kit.server import Server

from tests.contract.kit.credentials import (
    AUDIENCE,
    ISSUER,
    Signer,
    Vault,
    replace_file,
    token_settings,
)
from tests.contract.kit.echo import Echo, EchoRequest, Refusal, Stub, calling, refusal, serving

PAST = datetime(2020, 1, 1, tzinfo=UTC)
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN_CALLER = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(autouse=True)
def looking_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at for each call, instead of once a second."""
    monkeypatch.setattr(files, "LOOK_INTERVAL", 0.0)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.at(tmp_path / "issuer.pem")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.at(tmp_path)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


async def read(stub: Stub, token: str | None = None) -> str:
    """A read, with a token if there is one."""
    metadata = bearer(token) if token else None
    return str((await stub.Read(EchoRequest(text="ok"), timeout=30, metadata=metadata)).text)


async def refused_read(signer: Signer, token: str | None, **settings: Any) -> Refusal:
    """The refusal of a read with that token."""
    settings = {**token_settings(signer.file), **settings}
    async with serving(**settings) as server, calling(server) as stub:
        return await refusal(read(stub, token))


@asynccontextmanager
async def encrypted(server: Server, credentials: grpc.ChannelCredentials) -> AsyncIterator[Stub]:
    """A stub over a channel with TLS."""
    address = f"localhost:{server.port}"
    async with grpc.aio.secure_channel(address, credentials) as channel:
        yield Stub(channel)


async def test_a_token_with_the_scope_is_let_in(signer: Signer) -> None:
    callers: list[Any] = []

    async def who(request: Any, context: Any) -> str:
        callers.append(current_caller())
        return "ok"

    settings = token_settings(signer.file)
    async with serving(Echo(who), **settings) as server, calling(server) as stub:
        assert await read(stub, signer.token("other.read echo.read")) == "ok"
        assert await read(stub, signer.token(["echo.read"])) == "ok"
    assert [caller.subject for caller in callers] == ["checkout", "checkout"]
    assert current_caller() is None


async def test_the_admin_scope_includes_every_scope_of_its_service(signer: Signer) -> None:
    async with serving(**token_settings(signer.file)) as server, calling(server) as stub:
        assert await read(stub, signer.token("echo.admin")) == "ok"
        refused = await refusal(read(stub, signer.token("ledger.admin")))
    assert (refused.code, refused.reason) == (DENIED, "SCOPE_MISSING")


async def test_a_scope_of_another_method_does_not_suffice(signer: Signer) -> None:
    metadata = bearer(signer.token("echo.read echo.writer"))
    async with serving(**token_settings(signer.file)) as server, calling(server) as stub:
        refused = await refusal(stub.Write(EchoRequest(), timeout=30, metadata=metadata))
    assert (refused.code, refused.reason) == (DENIED, "SCOPE_MISSING")
    assert refused.metadata == {"scope": "echo.write"}


async def test_access_is_looked_at_before_the_request(signer: Signer) -> None:
    async with serving(**token_settings(signer.file)) as server, calling(server) as stub:
        refused = await refusal(stub.Read(EchoRequest(count=101)))
    assert refused.reason == "TOKEN_INVALID"


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"exp": PAST}, "expired"),
        ({"aud": "laurel-ledger"}, "foreign"),
        ({"iss": "https://elsewhere.example"}, "foreign"),
        ({"exp": None}, "damaged"),
        ({"aud": None}, "damaged"),
        ({"iss": None}, "damaged"),
        ({"sub": None}, "damaged"),
        ({"scope": 7}, "damaged"),
        ({"scope": [7]}, "damaged"),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused(
    signer: Signer, claims: dict[str, Any], cause: str
) -> None:
    refused = await refused_read(signer, signer.token(**claims))
    assert (refused.code, refused.reason) == (UNKNOWN_CALLER, "TOKEN_INVALID")
    assert refused.metadata == {"cause": cause}


async def test_a_call_without_a_token_is_refused(signer: Signer) -> None:
    assert (await refused_read(signer, None)).metadata == {"cause": "missing"}


async def test_a_damaged_token_is_refused(signer: Signer) -> None:
    assert (await refused_read(signer, "no.token.at-all")).metadata == {"cause": "damaged"}
    assert (await refused_read(signer, "x" * 7000)).metadata == {"cause": "damaged"}


async def test_a_token_of_another_key_is_refused(signer: Signer, tmp_path: Path) -> None:
    other = Signer.at(tmp_path / "other.pem")
    assert (await refused_read(signer, other.token())).metadata == {"cause": "foreign"}
    named = other.token(headers={"kid": "issuer"})
    assert (await refused_read(signer, named)).metadata == {"cause": "foreign"}
    unknown = signer.token(headers={"kid": "elsewhere"})
    assert (await refused_read(signer, unknown)).metadata == {"cause": "foreign"}


async def test_a_token_cannot_choose_its_algorithm(signer: Signer) -> None:
    payload = {"sub": "x", "aud": AUDIENCE, "iss": ISSUER, "exp": 2**31, "scope": "echo.read"}
    unsigned = jwt.encode(payload, None, algorithm="none")
    assert (await refused_read(signer, unsigned)).metadata == {"cause": "damaged"}
    # The classic confusion: the public key, which everyone has, used as a secret.
    secret = signer.file.read_bytes().replace(b"-----", b"")
    forged = jwt.encode(payload, secret, algorithm="HS256")
    assert (await refused_read(signer, forged)).metadata == {"cause": "damaged"}


async def test_a_token_ends_although_it_was_good_before(signer: Signer) -> None:
    moment = timedelta(milliseconds=1)
    settings = {**token_settings(signer.file), "token_leeway": moment}
    async with serving(**settings) as server, calling(server) as stub:
        token = signer.token(exp=datetime(2100, 1, 1, tzinfo=UTC))
        assert await read(stub, token) == "ok"
        (identity,) = server.access.identities
        identity._policy._clock = At(datetime(2101, 1, 1, tzinfo=UTC))
        assert (await refusal(read(stub, token))).metadata == {"cause": "expired"}


class At:
    """A clock that stands."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant


async def test_keys_change_without_a_restart(signer: Signer) -> None:
    async with serving(**token_settings(signer.file)) as server, calling(server) as stub:
        old = signer.token()
        assert await read(stub, old) == "ok"
        renewed = Signer.at(signer.file)
        assert await read(stub, renewed.token()) == "ok"
        # Also one that was verified before: its key counts no more.
        assert (await refusal(read(stub, old))).metadata == {"cause": "foreign"}


async def test_a_damaged_key_file_leaves_the_last_good_keys(signer: Signer) -> None:
    async with serving(**token_settings(signer.file)) as server, calling(server) as stub:
        replace_file(signer.file, b"-----BEGIN PUBLIC KEY-----\nhalf")
        assert await read(stub, signer.token()) == "ok"


async def test_several_keys_count_while_they_change(signer: Signer, tmp_path: Path) -> None:
    following = Signer.at(tmp_path / "following.pem")
    settings = token_settings(signer.file, following.file)
    async with serving(**settings) as server, calling(server) as stub:
        assert await read(stub, signer.token()) == "ok"
        assert await read(stub, following.token(headers={"kid": "following"})) == "ok"


async def test_health_is_open_to_everyone(signer: Signer) -> None:
    async with serving(**token_settings(signer.file)) as server, calling(server):
        address = f"127.0.0.1:{server.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            answer = await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30)
    assert answer == b"\x08\x01"


async def test_a_certificate_has_the_scopes_of_its_name(vault: Vault) -> None:
    vault.allow({"shop.example": ["echo.read"]})
    async with serving(**vault.settings(clients=True)) as server:
        async with encrypted(server, vault.client("shop.example")) as stub:
            assert await read(stub) == "ok"
            refused = await refusal(stub.Write(EchoRequest(), timeout=30))
        async with encrypted(server, vault.client("elsewhere.example")) as stub:
            unknown = await refusal(read(stub))
    assert (refused.code, refused.reason) == (DENIED, "SCOPE_MISSING")
    assert (unknown.code, unknown.metadata) == (UNKNOWN_CALLER, {"cause": "foreign"})


async def test_a_client_without_a_certificate_is_not_heard(vault: Vault) -> None:
    vault.allow({"shop.example": ["echo.read"]})
    strange = vault.client("shop.example", signer=trustme.CA())
    async with serving(**vault.settings(clients=True)) as server:
        for credentials in (vault.client(), strange):
            async with encrypted(server, credentials) as stub:
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await read(stub)
                assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_the_policy_changes_without_a_restart(vault: Vault) -> None:
    client = vault.client("shop.example")
    settings = vault.settings(clients=True)
    async with serving(**settings) as server, encrypted(server, client) as stub:
        assert (await refusal(read(stub))).reason == "TOKEN_INVALID"
        vault.allow({"shop.example": ["echo.admin"]})
        assert await read(stub) == "ok"


async def test_the_servers_certificate_changes_without_a_restart(vault: Vault) -> None:
    following = trustme.CA()
    async with serving(**vault.settings()) as server:
        async with encrypted(server, vault.client()) as stub:
            assert await read(stub) == "ok"
        vault.renew_server(following)
        async with encrypted(server, vault.client(trusted=following)) as stub:
            assert await read(stub) == "ok"


async def test_a_certificate_half_renewed_leaves_the_last_good_one(vault: Vault) -> None:
    async with serving(**vault.settings()) as server:
        replace_file(vault.file("server-key"), trustme.CA().issue_cert("x").private_key_pem.bytes())
        async with encrypted(server, vault.client()) as stub:
            assert await read(stub) == "ok"


async def test_a_token_over_a_certificate_decides(vault: Vault, signer: Signer) -> None:
    vault.allow({"shop.example": ["echo.read"]})
    settings = {**vault.settings(clients=True), **token_settings(signer.file)}
    client = vault.client("shop.example")
    async with serving(**settings) as server, encrypted(server, client) as stub:
        assert await read(stub) == "ok"
        refused = await refusal(read(stub, signer.token("echo.write")))
    assert refused.reason == "SCOPE_MISSING"
