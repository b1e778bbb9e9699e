"""Merkle trees and their proofs, held to RFC 9162's own words."""

from __future__ import annotations

from hashlib import sha256

import pytest
from laurel_ledger.domain.trees import (
    EMPTY_ROOT,
    Frontier,
    Stretch,
    consistency_stretches,
    hash_of_leaf,
    hash_of_stretch,
    inclusion_stretches,
    path_of,
    root_of,
)

SIZES = range(1, 70)
LEAVES = [hash_of_leaf(bytes([index])) for index in range(max(SIZES))]


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def tree(leaves: list[bytes]) -> bytes:
    """MTH of 2.1.1, over hashes of leaves."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + tree(leaves[:k]) + tree(leaves[k:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), tree(leaves[k:])]
    return [*path(index - k, leaves[k:]), tree(leaves[:k])]


def subproof(size: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF of 2.1.4.1."""
    if size == len(leaves):
        return [] if known else [tree(leaves)]
    k = largest_power_below(len(leaves))
    if size <= k:
        return [*subproof(size, leaves[:k], known=known), tree(leaves[k:])]
    return [*subproof(size - k, leaves[k:], known=False), tree(leaves[:k])]


@pytest.mark.parametrize("size", SIZES)
def test_a_root_is_the_one_of_the_standard(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.add(leaf)
    assert root_of(LEAVES[:size]) == frontier.root == tree(LEAVES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_paths_are_those_of_the_standard(size: int) -> None:
    for index in range(size):
        assert path_of(index, LEAVES[:size]) == path(index, LEAVES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_consistency_paths_are_those_of_the_standard(size: int) -> None:
    for earlier in range(1, size + 1):
        stretches = consistency_stretches(earlier, size)
        found = [root_of(LEAVES[each.start : each.end]) for each in stretches]
        assert found == subproof(earlier, LEAVES[:size], known=True)


@pytest.mark.parametrize("size", SIZES)
def test_complete_nodes_are_enough_for_every_proof(size: int) -> None:
    frontier = Frontier()
    nodes = {}
    for index, leaf in enumerate(LEAVES[:size]):
        nodes[Stretch(index, index + 1).nodes[0]] = leaf
        nodes |= dict(frontier.add(leaf))
    for index in range(size):
        for each in (*inclusion_stretches(index, size), *consistency_stretches(index, size)):
            assert hash_of_stretch(each, nodes) == tree(LEAVES[each.start : each.end])


def test_an_empty_tree_has_the_root_of_nothing() -> None:
    assert Frontier().root == root_of([]) == EMPTY_ROOT == tree([])
    assert consistency_stretches(0, 5) == consistency_stretches(5, 5) == []


def test_known_roots_of_certificate_transparency() -> None:
    # The first trees of the test vectors that implementations of certificate transparency share.
    inputs = ["", "00", "10", "2021", "3031", "40414243"]
    leaves = [hash_of_leaf(bytes.fromhex(each)) for each in inputs]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    }
    assert {size: root_of(leaves[:size]).hex() for size in roots} == roots
