"""Merkle trees of the shape of RFC 9162, and what proves something about them.

A proof is a list of hashes of stretches of leaves. Each stretch is covered by complete subtrees,
called nodes, so whoever can name the hashes of nodes can prove anything about any size of the tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""


class Node(NamedTuple):
    """A complete subtree: 2 ** level leaves, the group of that number among all such."""

    level: int
    number: int


class Stretch(NamedTuple):
    """Some leaves in a row, from `start` up to `end` without it."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self.end - self.start

    @property
    def middle(self) -> int:
        """Where the tree over more than one leaf is divided: after the largest power of two."""
        return self.start + (1 << ((self.size - 1).bit_length() - 1))

    @property
    def nodes(self) -> list[Node]:
        """The complete subtrees that cover it, the largest first."""
        found = []
        start = self.start
        for level in reversed(range(self.size.bit_length())):
            if self.size >> level & 1:
                found.append(Node(level, start >> level))
                start += 1 << level
        return found


def hash_of_leaf(content: bytes) -> bytes:
    """The hash of a leaf, which no inner hash can be mistaken for."""
    return sha256(b"\x00" + content).digest()


def hash_of_pair(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over the hashes of leaves."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        paired = [hash_of_pair(*pair) for pair in zip(level[::2], level[1::2], strict=False)]
        # An odd one out is carried up as it is, which gives RFC 9162's tree.
        level = paired + level[len(paired) * 2 :]
    return level[0]


def inclusion_stretches(index: int, size: int) -> list[Stretch]:
    """What proves that a leaf is in the tree of the first `size`: the other half at each height,
    from the leaf up.
    """
    assert 0 <= index < size, "only a leaf of the tree can be shown to be in it"
    whole = Stretch(0, size)
    beside: list[Stretch] = []
    while whole.size > 1:
        left, right = Stretch(whole.start, whole.middle), Stretch(whole.middle, whole.end)
        whole, other = (left, right) if index < right.start else (right, left)
        beside.append(other)
    return beside[::-1]


def consistency_stretches(earlier: int, later: int) -> list[Stretch]:
    """What proves that the tree of the first `later` leaves began as that of the first `earlier`;
    nothing when one of them is empty or both are the same.
    """
    assert 0 <= earlier <= later, "a tree only grows"
    if earlier in (0, later):
        return []
    whole = Stretch(0, later)
    beside: list[Stretch] = []
    while whole.end != earlier:
        left, right = Stretch(whole.start, whole.middle), Stretch(whole.middle, whole.end)
        whole, other = (left, right) if earlier <= left.end else (right, left)
        beside.append(other)
    # The earlier tree itself is known to whoever verifies; a part of it is not.
    known = [] if whole.start == 0 else [whole]
    return known + beside[::-1]


def hash_of_stretch(stretch: Stretch, nodes: Mapping[Node, bytes]) -> bytes:
    """The hash of a stretch that stands in a tree, from those of its nodes."""
    *rest, combined = (nodes[node] for node in stretch.nodes)
    for left in reversed(rest):
        combined = hash_of_pair(left, combined)
    return combined


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The proof that a leaf is among all these."""
    return [
        root_of(leaves[stretch.start : stretch.end])
        for stretch in inclusion_stretches(index, len(leaves))
    ]


@dataclass(slots=True, kw_only=True)
class Frontier:
    """A tree that grows: of all its nodes, only those that the next leaves will build upon."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)
    """The nodes that cover the tree, the largest first."""

    def add(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Append the hash of a leaf; the inner nodes that it completes."""
        made = []
        node, level, index = leaf, 0, self.size
        while index & 1:
            node = hash_of_pair(self.peaks.pop(), node)
            level, index = level + 1, index >> 1
            made.append((Node(level, index), node))
        self.peaks.append(node)
        self.size += 1
        return made

    @property
    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self.peaks:
            return EMPTY_ROOT
        whole = Stretch(0, self.size)
        return hash_of_stretch(whole, dict(zip(whole.nodes, self.peaks, strict=True)))
