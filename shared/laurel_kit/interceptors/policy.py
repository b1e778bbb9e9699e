"""What the contract says about each method, read from the descriptors once at start-up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from laurel.auth.v1 import scope_pb2

OPEN_SERVICES = frozenset(
    {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
)
"""Served to anyone, since balancers and tools ask before they have a token; they reveal no data."""

OPERATIONS = "google.longrunning.Operations"
FOREIGN_SCOPES = {
    f"/{OPERATIONS}/GetOperation": "operations.read",
    f"/{OPERATIONS}/ListOperations": "operations.read",
    f"/{OPERATIONS}/WaitOperation": "operations.read",
    f"/{OPERATIONS}/CancelOperation": "operations.admin",
    f"/{OPERATIONS}/DeleteOperation": "operations.admin",
}
"""Contracts that are not ours carry no options; what ends in `read` has no effect."""


WAIT = f"/{OPERATIONS}/WaitOperation"


class ScopeUndeclared(Exception):
    """A method names no scope; the server does not start, rather than serve it to anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPolicy:
    """The rules of one method."""

    path: str
    """As on the wire: `/laurel.ledger.v1.BalanceService/GetBalance`."""
    scope: str
    """What the caller must be allowed to do: `ledger.read`."""
    write: bool
    """Whether it may change anything: every method not declared NO_SIDE_EFFECTS."""
    lasting: bool
    """Whether it may go on for long: it streams, or waits for a job."""


def policies_of(service_names: Iterable[str]) -> dict[str, MethodPolicy]:
    """The policy of every method of the named services, by its path. Raises ScopeUndeclared."""
    pool = descriptor_pool.Default()
    found: dict[str, MethodPolicy] = {}
    for name in service_names:
        service: ServiceDescriptor = pool.FindServiceByName(name)
        for method in service.methods:
            policy = policy_of(method, f"/{name}/{method.name}")
            found[policy.path] = policy
    return found


def policy_of(method: MethodDescriptor, path: str) -> MethodPolicy:
    """The policy of one method."""
    options = method.GetOptions()
    scope = FOREIGN_SCOPES.get(path) or options.Extensions[scope_pb2.scope]
    if not scope:
        raise ScopeUndeclared(f"{path} names no (laurel.auth.v1.scope)")
    harmless = options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    return MethodPolicy(
        path=path,
        scope=scope,
        write=not (harmless or FOREIGN_SCOPES.get(path, "").endswith(".read")),
        lasting=method.client_streaming or method.server_streaming or path == WAIT,
    )
