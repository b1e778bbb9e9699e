"""The key that checkpoints are signed with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from laurel_ledger.domain.checkpoints import Checkpoint, SignedCheckpoint


@dataclass(frozen=True, slots=True)
class CheckpointKey:
    """An Ed25519 key."""

    private: Ed25519PrivateKey

    def sign(self, checkpoint: Checkpoint) -> SignedCheckpoint:
        """The checkpoint with its signature."""
        return SignedCheckpoint(
            checkpoint=checkpoint,
            public_key=self.private.public_key().public_bytes_raw(),
            signature=self.private.sign(checkpoint.signed_bytes),
        )


def read_checkpoint_key(file: Path) -> CheckpointKey:
    """The key in a PEM file. Raises ValueError when there is no Ed25519 key in it."""
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file} holds no Ed25519 key")  # noqa: TRY004  # A wrong setting.
    return CheckpointKey(key)


def signed_rightly(signed: SignedCheckpoint) -> bool:
    """Whether the signature is of the key that stands beside it."""
    try:
        key = Ed25519PublicKey.from_public_bytes(signed.public_key)
        key.verify(signed.signature, signed.checkpoint.signed_bytes)
    except (ValueError, InvalidSignature):
        return False
    return True
