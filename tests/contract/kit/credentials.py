"""Keys, tokens and certificates for the tests of access."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import jwt
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from laurel_kit.clock import SystemClock

AUDIENCE = "laurel-echo"
ISSUER = "https://login.example"


@dataclass
class Signer:
    """An issuer's key; its public half lies in a file."""

    file: Path
    key: Ed25519PrivateKey

    @classmethod
    def at(cls, file: Path) -> Signer:
        """A new key, its public half written to the file."""
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        replace_file(file, public)
        return cls(file, key)

    def token(self, scope: Any = "echo.read", *, headers: Any = None, **claims: Any) -> str:
        """A token; a claim given as None is left out."""
        now = SystemClock().now()
        payload = {
            "sub": "checkout",
            "aud": AUDIENCE,
            "iss": ISSUER,
            "exp": now + timedelta(minutes=5),
            "scope": scope,
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.key, algorithm="EdDSA", headers=headers)


def token_settings(*files: Path) -> dict[str, Any]:
    """Settings that ask for tokens signed by the keys in the files."""
    return {
        "token_key_files": files,
        "token_audience": AUDIENCE,
        "token_issuer": ISSUER,
    }


def replace_file(file: Path, content: bytes) -> None:
    """Write a file as a careful operator does: beside it, then in its place."""
    draft = file.with_name(file.name + ".draft")
    draft.write_bytes(content)
    draft.replace(file)


@dataclass
class Vault:
    """Certificates of a server and its clients, with the authority that signs them."""

    folder: Path
    authority: trustme.CA

    @classmethod
    def at(cls, folder: Path) -> Vault:
        """A new authority, a certificate for the server, a policy without anyone in it."""
        vault = cls(folder, trustme.CA())
        replace_file(vault.file("authority"), vault.authority.cert_pem.bytes())
        vault.renew_server()
        vault.allow({})
        return vault

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def renew_server(self, authority: trustme.CA | None = None) -> None:
        """A new certificate for the server."""
        certificate = (authority or self.authority).issue_cert("localhost")
        replace_file(self.file("server"), b"".join(p.bytes() for p in certificate.cert_chain_pems))
        replace_file(self.file("server-key"), certificate.private_key_pem.bytes())

    def allow(self, policy: dict[str, list[str]]) -> None:
        """Say which names have which scopes."""
        replace_file(self.folder / "policy.json", json.dumps(policy).encode())

    def settings(self, *, clients: bool = False) -> dict[str, Any]:
        """Settings of a server with TLS, and with client certificates if wanted."""
        found: dict[str, Any] = {
            "tls_certificate_file": self.file("server"),
            "tls_key_file": self.file("server-key"),
        }
        if clients:
            found["tls_client_authority_file"] = self.file("authority")
            found["client_policy_file"] = self.folder / "policy.json"
        return found

    def client(
        self,
        name: str | None = None,
        *,
        trusted: trustme.CA | None = None,
        signer: trustme.CA | None = None,
    ) -> grpc.ChannelCredentials:
        """What a client shows and whom it trusts."""
        roots = (trusted or self.authority).cert_pem.bytes()
        if name is None:
            return grpc.ssl_channel_credentials(roots)
        shown = (signer or self.authority).issue_cert(name)
        chain = b"".join(each.bytes() for each in shown.cert_chain_pems)
        return grpc.ssl_channel_credentials(roots, shown.private_key_pem.bytes(), chain)
