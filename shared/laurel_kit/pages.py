"""Lists in pages: how many rows a page has and where the next one begins.

A page token is opaque to the caller and bound to the query it was made for: it carries the cursor
(the sort key of the last row) and a digest of the request without its paging fields.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from google.protobuf.message import Message

from laurel_kit.fingerprint import content_digest

PAGE_SIZE_DEFAULT = 50
"""Rows of a page when the caller names no number."""

PAGE_SIZE_MAX = 1000
"""Most rows of a page; who asks for more gets this many."""

CHECK_BYTES = 8
VERSION = b"1"
PAGING_FIELDS = ("page_size", "page_token")

Cursor = Sequence[str | int | None]
"""The sort key of the last row of a page; instants as text or as a number."""


@dataclass(eq=False, kw_only=True)
class PageTokenInvalid(Exception):
    """The page token is damaged, or belongs to another query."""


def page_size(
    requested: int, *, default: int = PAGE_SIZE_DEFAULT, maximum: int = PAGE_SIZE_MAX
) -> int:
    """Rows to read: the default for 0, never above the maximum."""
    return min(requested or default, maximum)


@dataclass(frozen=True, slots=True)
class PageTokens:
    """The tokens of one query.

    In a servicer or wire: `tokens = PageTokens.of(request)`, `after =
    tokens.decode(request.page_token, str, int)`, and for the answer `tokens.encode(next_cursor)`.
    """

    query: bytes

    @classmethod
    def of(cls, request: Message, *, without: Sequence[str] = PAGING_FIELDS) -> PageTokens:
        """The tokens of the query that this request is a page of."""
        kind = request.DESCRIPTOR.full_name.encode()
        return cls(blake2b(kind + content_digest(request, without=without)).digest())

    def encode(self, cursor: Cursor | None) -> str:
        """The token of the page after `cursor`; empty when there is no further page."""
        if cursor is None:
            return ""
        body = VERSION + json.dumps(list(cursor), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._check(body) + body).rstrip(b"=").decode()

    def decode(self, token: str, *kinds: type) -> Cursor | None:
        """The cursor in the token, None for the first page (an empty token).

        `kinds` are the types the cursor's values must have, one each; without them any will do.
        Raises PageTokenInvalid.
        """
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as damage:
            raise PageTokenInvalid from damage
        check, body = raw[:CHECK_BYTES], raw[CHECK_BYTES:]
        if body[:1] != VERSION or check != self._check(body):
            raise PageTokenInvalid
        return shaped(json.loads(body[1:]), kinds)

    def _check(self, body: bytes) -> bytes:
        return blake2b(body, key=self.query, digest_size=CHECK_BYTES).digest()


def shaped(cursor: list[str | int | None], kinds: tuple[type, ...]) -> Cursor:
    """The cursor, refused when its values are not of the kinds wanted."""
    if kinds and len(kinds) != len(cursor):
        raise PageTokenInvalid
    if not all(isinstance(value, kind) for value, kind in zip(cursor, kinds, strict=False)):
        raise PageTokenInvalid
    return cursor
