"""The key with which the ledger of a suite on this machine signs its checkpoints."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

FILE_NAME = "checkpoint-key.pem"


def keep_checkpoint_key(data: Path) -> Path:
    """The key in the suite's folder, readable for its owner only; made when there is none."""
    file = data / FILE_NAME
    if not file.exists():
        content = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        data.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as opened:
            opened.write(content)
    return file
