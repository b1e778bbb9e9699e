"""Which keys tokens are checked with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from laurel_kit import tokens
from laurel_kit.access import Caller
from laurel_kit.clock import SystemClock
from laurel_kit.files import FileUnusable
from laurel_kit.refusals import TokenInvalid
from laurel_kit.settings import ServiceSettings
from laurel_kit.tokens import TokenPolicy


class TeaSettings(ServiceSettings):
    service: ClassVar[str] = "tea"


def policy(*files: Path, algorithms: tuple[str, ...]) -> TokenPolicy:
    settings = TeaSettings(
        database_url="postgresql://tea",
        sandbox=True,
        token_key_files=files,
        token_algorithms=algorithms,
        token_audience="tea",
        token_issuer="us",
    )
    return TokenPolicy(settings, SystemClock())


def payload(**claims: Any) -> dict[str, Any]:
    expires = SystemClock().now() + timedelta(minutes=1)
    return {"sub": "s", "aud": "tea", "iss": "us", "exp": expires, "scope": "tea.read", **claims}


def write_public(path: Path, key: Any) -> Path:
    path.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return path


def test_a_shared_secret_signs_tokens(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 32 + b"\n")
    token = jwt.encode(payload(), b"s" * 32, algorithm="HS256")
    claims = policy(file, algorithms=("HS256",)).claims_of(token)
    assert (claims.subject, claims.scopes) == ("s", {"tea.read"})


def test_a_short_secret_is_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 31)
    with pytest.raises(FileUnusable, match="32 bytes"):
        policy(file, algorithms=("HS256",))


@pytest.mark.parametrize("algorithms", [("HS256", "EdDSA"), ("EdDSA", "none")])
def test_secrets_and_public_keys_are_never_mixed(
    tmp_path: Path, algorithms: tuple[str, ...]
) -> None:
    file = write_public(tmp_path / "k.pem", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(FileUnusable, match="algorithms"):
        policy(file, algorithms=algorithms)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256"])
def test_public_keys_of_several_kinds_count(tmp_path: Path, algorithm: str) -> None:
    key: Any = ec.generate_private_key(ec.SECP256R1())
    if algorithm != "ES256":
        key = rsa.generate_private_key(65537, 2048)
    file = write_public(tmp_path / "k.pem", key)
    token = jwt.encode(payload(), key, algorithm=algorithm)
    assert policy(file, algorithms=(algorithm,)).claims_of(token).subject == "s"
    with pytest.raises(TokenInvalid):
        policy(file, algorithms=("EdDSA",)).claims_of(token)


def test_only_so_many_tokens_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_MAX", 2)
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 32)
    checked = policy(file, algorithms=("HS256",))
    for subject in "abcd":
        token = jwt.encode(payload(sub=subject), b"s" * 32, algorithm="HS256")
        assert checked.claims_of(token).subject == subject
    assert [claims.subject for claims in checked._verified.values()] == ["c", "d"]


@pytest.mark.parametrize(
    ("scopes", "scope", "allowed"),
    [
        ({"ledger.read"}, "ledger.read", True),
        ({"ledger.read"}, "ledger.post", False),
        ({"ledger.read"}, "ledger.reading", False),
        ({"ledger.admin"}, "ledger.post", True),
        ({"ledger.admin"}, "ledger.admin", True),
        ({"ledger.admin"}, "program.admin", False),
        ({"ledger.admin"}, "ledgers.read", False),
        ({"admin"}, "ledger.read", False),
        (set(), "ledger.read", False),
    ],
)
def test_admin_includes_the_scopes_of_its_service(
    scopes: set[str], scope: str, allowed: bool
) -> None:
    assert Caller("s", frozenset(scopes)).may(scope) == allowed
