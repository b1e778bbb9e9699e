"""Keys for checkpoints, as files."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def write_key(file: Path, key: Ed25519PrivateKey | None = None) -> Path:
    """A private key, a new one unless given."""
    key = key or Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def write_public_key(file: Path, public_key: bytes) -> Path:
    """The public key of 32 bytes as PEM."""
    key = Ed25519PublicKey.from_public_bytes(public_key)
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file
