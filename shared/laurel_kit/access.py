"""Who calls, and whether they may: tokens (JWT) or client certificates, against scopes.

An RPC names one scope in its contract (`laurel.auth.v1.scope`); `<service>.admin` includes every
scope that begins with the same `<service>.`. A caller who sends a token is judged by the token,
any other by its certificate. Where no policy is set (sandbox on loopback, or insecure by
explicit wish) everyone may call everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from laurel_kit.clock import Clock, SystemClock
from laurel_kit.files import Watched
from laurel_kit.interceptors.call import Call, current_call
from laurel_kit.refusals import ScopeMissing, TokenInvalid
from laurel_kit.settings import ServiceSettings
from laurel_kit.tokens import TokenPolicy

Context = Any
TOKEN_KEY = "authorization"  # noqa: S105  # The name of a header.
SCHEME = "bearer "
NAMES_KEY = "x509_subject_alternative_name"

POLICY_SHAPE: TypeAdapter[dict[str, frozenset[str]]] = TypeAdapter(dict[str, frozenset[str]])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and what they may do."""

    subject: str
    """The token's `sub`, or the name in the certificate."""
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the caller has the scope or the admin scope that includes it."""
        return scope in self.scopes or f"{scope.partition('.')[0]}.admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Anyone(Caller):
    """The caller where no policy is set: it may do everything."""

    def may(self, scope: str) -> bool:  # noqa: ARG002  # Every scope.
        """Always true."""
        return True


ANYONE = Anyone("anyone", frozenset())


class Identity(Protocol):
    """A way to make out the caller."""

    def caller_of(self, context: Context) -> Caller | None:
        """The caller, None when it shows nothing of this kind. Raises TokenInvalid."""
        ...


class Access:
    """The access step of a server."""

    def __init__(self, identities: Sequence[Identity]) -> None:
        self.identities = tuple(identities)

    def check(self, call: Call) -> None:
        """Set the call's caller. Raises TokenInvalid, or ScopeMissing when its scopes do not
        suffice.
        """
        caller = self._caller_of(call.context) if self.identities else ANYONE
        call.caller = caller
        if not caller.may(call.policy.scope):
            raise ScopeMissing(scope=call.policy.scope)

    def _caller_of(self, context: Context) -> Caller:
        for identity in self.identities:
            if caller := identity.caller_of(context):
                return caller
        raise TokenInvalid(cause="missing")


class Tokens:
    """Callers by the token in `authorization: Bearer ...`."""

    def __init__(self, policy: TokenPolicy) -> None:
        self._policy = policy

    def caller_of(self, context: Context) -> Caller | None:
        """The token's subject; None without a token."""
        sent = header_of(context, TOKEN_KEY)
        if not sent:
            return None
        if sent[: len(SCHEME)].lower() != SCHEME:
            raise TokenInvalid(cause="damaged")
        claims = self._policy.claims_of(sent[len(SCHEME) :].strip())
        return Caller(claims.subject, claims.scopes)


class Certificates:
    """Callers by the names in their client certificate, which TLS has verified."""

    def __init__(self, policy: Watched[Mapping[str, frozenset[str]]]) -> None:
        self._policy = policy

    def caller_of(self, context: Context) -> Caller | None:
        """The first name of the certificate that the policy knows; None without a certificate."""
        names = context.auth_context().get(NAMES_KEY)
        if not names:
            return None
        policy = self._policy.value()
        for name in (each.decode(errors="replace") for each in names):
            if name in policy:
                return Caller(name, policy[name])
        raise TokenInvalid(cause="foreign")


def access_of(settings: ServiceSettings, clock: Clock | None = None) -> Access:
    """The access step that the settings ask for.

    Tokens are judged by the machine's time: a sandbox clock that is moved on must not end them.
    """
    identities: list[Identity] = []
    if settings.token_key_files:
        identities.append(Tokens(TokenPolicy(settings, clock or SystemClock())))
    if settings.client_policy_file:
        identities.append(Certificates(Watched([settings.client_policy_file], read_policy)))
    return Access(identities)


def read_policy(paths: Sequence[Path]) -> Mapping[str, frozenset[str]]:
    """Name to scopes, from JSON: `{"spiffe://shop/checkout": ["ledger.read", "ledger.post"]}`."""
    (path,) = paths
    return POLICY_SHAPE.validate_json(path.read_bytes(), strict=True)


def header_of(context: Context, key: str) -> str:
    """The first value the caller sent under the key, empty when there is none."""
    for name, value in context.invocation_metadata() or ():
        if name == key:
            return value if isinstance(value, str) else ""
    return ""


def current_caller() -> Caller | None:
    """Who the present task works for; None in the background."""
    call = current_call()
    caller: Caller | None = call.caller if call else None
    return caller
