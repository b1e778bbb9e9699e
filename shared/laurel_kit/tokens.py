"""Callers' tokens: JWT signed by one of the keys in the files of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from laurel_kit.clock import Clock
from laurel_kit.files import Watched
from laurel_kit.refusals import TokenInvalid
from laurel_kit.settings import ServiceSettings

SECRET_BYTES_MIN = 32
"""Shortest secret for HS algorithms: a shorter one can be found by trying."""

CACHE_MAX = 10_000
"""Verified tokens kept in memory: a check costs more than most calls."""

TOKEN_LENGTH_MAX = 8192
REQUIRED = ["exp", "aud", "iss", "sub"]

Keys = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    subject: str
    scopes: frozenset[str]
    expire_time: datetime


class TokenPolicy:
    """Which tokens count: signed by a known key with a named algorithm, for us, by our issuer."""

    def __init__(self, settings: ServiceSettings, clock: Clock) -> None:
        self._algorithms = list(settings.token_algorithms)
        self._audience = settings.token_audience
        self._issuer = settings.token_issuer
        self._leeway = settings.token_leeway
        self._clock = clock
        self._keys = Watched(settings.token_key_files, self._read_keys)
        self._verified: dict[str, Claims] = {}
        self._verified_by: Keys = {}

    def claims_of(self, token: str) -> Claims:
        """The claims of a token. Raises TokenInvalid with cause expired, damaged or foreign."""
        keys = self._keys.value()
        if keys is not self._verified_by:
            self._verified, self._verified_by = {}, keys
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token, keys)
            self._keep(token, claims)
        elif self._clock.now() >= claims.expire_time + self._leeway:
            raise TokenInvalid(cause="expired")
        return claims

    def _keep(self, token: str, claims: Claims) -> None:
        if len(self._verified) >= CACHE_MAX:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = claims

    def _verify(self, token: str, keys: Keys) -> Claims:
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenInvalid(cause="damaged")
        cause = "damaged"
        try:
            for key in candidates(token, keys):
                try:
                    return claims_from(self._decode(token, key))
                except jwt.InvalidSignatureError:
                    cause = "foreign"
        except jwt.ExpiredSignatureError as error:
            raise TokenInvalid(cause="expired") from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise TokenInvalid(cause="foreign") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise TokenInvalid(cause="damaged") from error
        raise TokenInvalid(cause=cause)

    def _decode(self, token: str, key: Any) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=self._algorithms,
            audience=self._audience,
            issuer=self._issuer,
            leeway=self._leeway,
            options={"require": REQUIRED},
        )

    def _read_keys(self, paths: Sequence[Path]) -> Keys:
        symmetric = {name.startswith("HS") for name in self._algorithms}
        if len(symmetric) != 1 or "none" in self._algorithms:
            raise ValueError("token algorithms must be either all HS or all with public keys")
        read = read_secret if symmetric == {True} else read_public_key
        return {path.stem: read(path) for path in paths}


def candidates(token: str, keys: Keys) -> list[Any]:
    """The key the token names, all of them when it names none."""
    name = jwt.get_unverified_header(token).get("kid")
    if name is None:
        return list(keys.values())
    if name not in keys:
        raise TokenInvalid(cause="foreign")
    return [keys[name]]


def claims_from(payload: Mapping[str, Any]) -> Claims:
    """The claims we use; `scope` is a list, or text with spaces between (RFC 8693)."""
    scope = payload.get("scope", "")
    scopes = scope.split() if isinstance(scope, str) else scope
    if not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes):
        raise TokenInvalid(cause="damaged")
    expire_time = datetime.fromtimestamp(payload["exp"], UTC)
    return Claims(str(payload["sub"]), frozenset(scopes), expire_time)


def read_public_key(path: Path) -> Any:
    """A public key from PEM."""
    return load_pem_public_key(path.read_bytes())


def read_secret(path: Path) -> bytes:
    """A secret for HS algorithms, without the line end that editors add."""
    secret = path.read_bytes().strip()
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"{path}: a secret needs {SECRET_BYTES_MIN} bytes or more")
    return secret
