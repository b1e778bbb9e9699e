"""Request ids of what an order entails, derived from it: doing it again has the same name."""

from __future__ import annotations

from hashlib import sha1

from laurel_benefits.domain.ids import OrderKey

NAMESPACE = bytes.fromhex("6f1b1f0e5a0c5d439d7e2f1c9d8f4b11")
"""Under which all of them are derived; never changes."""

UUID_BYTES = 16
VERSION = 0x50
"""The bits of an id that say it is a name's."""
VARIANT = 0x80
"""The bits that say how the others are to be read."""


def name_of(key: OrderKey, purpose: str) -> str:
    """The id of something an order entails: always the same for the same order and purpose.

    Ids hold no slash, so the parts cannot run into each other.
    """
    member = key.member
    return derived(f"{member.program_id}/{member.member_id}/{key.order_id}/{purpose}")


def derived(name: str) -> str:
    """The UUID of a name, version 5: it is computed, so a rule may do it. New ids come in."""
    digest = sha1(NAMESPACE + name.encode(), usedforsecurity=False).digest()
    octets = bytearray(digest[:UUID_BYTES])
    octets[6] = octets[6] & 0x0F | VERSION
    octets[8] = octets[8] & 0x3F | VARIANT
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
