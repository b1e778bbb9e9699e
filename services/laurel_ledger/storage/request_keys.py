"""Request ids as keys: 16 bytes whatever a caller chose.

A UUID in its usual form is its own key, and its text need not be kept. Any other text has a UUID of
version 8 made from its digest, and is kept beside it; UUIDs of version 8 that callers choose count
as such texts, so that no two ids share a key.
"""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-79a-f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def key_of(request_id: str) -> tuple[str, str | None]:
    """The key, and the text to be kept beside it where the key does not say it."""
    if _UUID.fullmatch(request_id):
        return request_id, None
    digest = hashlib.sha256(request_id.encode()).hexdigest()
    key = f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{digest[16:20]}-{digest[20:32]}"
    return key, request_id


def request_id_of(key: UUID, text: str | None) -> str:
    """The request id as the caller wrote it."""
    return str(key) if text is None else text
