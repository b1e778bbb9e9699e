"""What can be set on a service, read once at its start from `LAUREL_<SERVICE>_...` variables.

A service subclasses `ServiceSettings` in its `config.py` with its own prefix and limits; `load`
reads the environment and ends the process with the variable's name when a value is missing or
wrong. No other module reads the environment.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MEBIBYTE = 1024 * 1024


def read_span(value: object) -> object:
    """`250ms`, `30s`, `5m`, `2h` or `7d` as a span; anything else is left to pydantic."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)(ms|s|m|h|d)", value.strip())):
        return timedelta(seconds=int(match[1]) * UNITS[match[2]])
    return value


def read_list(value: object) -> object:
    """Values separated by commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Span = Annotated[timedelta, BeforeValidator(read_span), Field(gt=timedelta(0))]
"""A span of time above zero, written `30s`."""

Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(read_list)]
"""Texts separated by commas."""

Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(read_list)]
"""Paths separated by commas."""


class ServiceSettings(BaseSettings):
    """The settings every service has; the environment variable is the prefix and the name in
    capitals.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    service: ClassVar[str] = "service"
    """The service's name: `ledger`."""

    # Where it keeps its books.
    database_url: str = Field(repr=False)
    """`postgresql://...` of this service's own database, as the role that may not change tables.
    No default: a guess would write into somebody's database."""
    migration_url: str = Field(default="", repr=False)
    """The same database as the role that owns the tables; used by `migrate` only. Default:
    DATABASE_URL."""
    database_pool_size: int = Field(default=8, ge=1, le=200)
    """Connections to the database. Eight were the fastest on two cores; more wait for each
    other."""
    statement_timeout: Span = timedelta(seconds=30)
    """Longest a statement may run, so that a lost caller cannot hold locks for ever."""

    # Where it listens.
    address: str = "127.0.0.1:50051"
    """Host and port of the service; port 0 takes a free one. Loopback, since there is no TLS by
    default."""
    admin_address: str = ""
    """Host and port of channelz and its like, loopback only; empty means none. Not for callers."""
    share_port: bool = False
    """Let several processes listen on the same port, the kernel spreads connections. Off, so
    that a server started twice is noticed."""
    reflection: bool = True
    """Whether the server describes its contracts to grpcurl and buf curl. Switch off where
    contracts are secret."""

    # How it is tried.
    sandbox: bool = False
    """Whether the clock can be set. Never where balances are real."""

    # Who may call.
    allow_insecure: bool = False
    """Start without TLS or without a policy all the same, for networks that protect by other
    means."""
    tls_certificate_file: Path | None = None
    """The server's certificate chain, PEM. Read again when it changes, so that renewing needs no
    restart."""
    tls_key_file: Path | None = None
    """The key of the certificate, PEM."""
    tls_client_authority_file: Path | None = None
    """Authorities whose client certificates are accepted, PEM; with it every client must show
    one."""
    client_policy_file: Path | None = None
    """JSON from a name in the client's certificate (DNS or URI) to the list of its scopes; needs
    the authority."""
    token_key_files: Paths = ()
    """Public keys (PEM), or secrets for HS algorithms, that sign callers' tokens; several while
    keys change. A token's `kid`, if it has one, is the file's name without its ending."""
    token_algorithms: Texts = ("EdDSA",)
    """Algorithms accepted: EdDSA, ES256, RS256, PS256 or HS256 and their longer kin; explicit,
    so that no token chooses its own."""
    token_audience: str = ""
    """What a token's `aud` must name. Required with keys: a token for another service is no
    token here."""
    token_issuer: str = ""
    """What a token's `iss` must be. Required with keys."""
    token_leeway: Span = timedelta(seconds=5)
    """How far the clocks of issuer and server may differ."""

    # How it calls others.
    caller_token_file: Path | None = None
    """A token sent with calls to other services, read again when it changes."""
    caller_authority_file: Path | None = None
    """Authorities of the other services' certificates, PEM; without it calls are not encrypted."""
    caller_certificate_file: Path | None = None
    """The certificate this service shows to others."""
    caller_key_file: Path | None = None
    """The key of that certificate."""
    call_deadline: Span = timedelta(seconds=5)
    """Longest a call to another service may take; less when the inbound call has less left."""

    # Limits.
    write_deadline_max: Span = timedelta(seconds=60)
    """Longest deadline of a write. Who would wait longer holds locks longer than others can
    bear."""
    read_time_max: Span = timedelta(seconds=30)
    """Longest a read may run, whatever its deadline."""
    stream_time_max: Span = timedelta(hours=1)
    """Longest life of a stream; afterwards the caller resumes with its token, perhaps at another
    server."""
    calls_max: int = Field(default=10_000, ge=1)
    """Calls in flight at once; further ones are refused with QUEUE_FULL at once rather than
    late."""
    request_bytes_max: int = Field(default=8 * MEBIBYTE, ge=1024)
    """Largest request: a batch of 5,000 postings with labels fits."""
    response_bytes_max: int = Field(default=16 * MEBIBYTE, ge=1024)
    """Largest response: the answer of such a batch fits."""
    keepalive_interval: Span = timedelta(seconds=60)
    """How often a silent connection is probed; load balancers forget them after minutes."""
    keepalive_timeout: Span = timedelta(seconds=20)
    """How long a probe may go unanswered before the connection is given up."""
    connection_age_max: Span = timedelta(minutes=30)
    """When a connection is asked to open anew, so that callers spread over added servers."""
    slow_call: Span = timedelta(seconds=1)
    """Calls that took longer are logged as warnings."""

    # How it ends.
    drain_delay: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(0)
    """Between NOT_SERVING and the refusal of calls, for balancers that poll; 0 where there are
    none."""
    drain_grace: Span = timedelta(seconds=20)
    """How long calls in flight may take to finish at shutdown; orchestrators kill after 30 s."""

    # What it tells.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity logged; `debug` adds a line for every call."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """`auto` is console in a terminal and JSON otherwise."""
    metrics_address: str = ""
    """Host and port of the Prometheus page; empty means no metrics. Needs the extra `telemetry`."""
    traces_endpoint: str = ""
    """Where traces go, OTLP over gRPC: `http://127.0.0.1:4317`; empty means none. Needs the
    extra `telemetry`."""
    trace_sample_bps: int = Field(default=100, ge=0, le=10_000)
    """Share of traces begun here that is kept, in basis points; callers' own decisions are
    followed."""

    # How it works in the background.
    timer_interval: Span = timedelta(seconds=1)
    """How often due timers are looked for. A lot expires at most this much late."""

    @property
    def tls(self) -> bool:
        """Whether callers must encrypt."""
        return self.tls_certificate_file is not None

    @property
    def guarded(self) -> bool:
        """Whether a policy says who may call what."""
        return bool(self.token_key_files) or self.client_policy_file is not None

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        self._require("tls_certificate_file", "tls_key_file")
        self._require("tls_key_file", "tls_certificate_file")
        self._require("tls_client_authority_file", "tls_certificate_file", "client_policy_file")
        self._require("client_policy_file", "tls_client_authority_file")
        self._require("token_key_files", "token_audience", "token_issuer", "token_algorithms")
        self._require("caller_certificate_file", "caller_key_file", "caller_authority_file")
        self._require("caller_key_file", "caller_certificate_file")
        if not self.allow_insecure:
            self._require("caller_token_file", "caller_authority_file")
        if self.admin_address and not is_loopback(self.admin_address):
            self._refuse("admin_address", "must be a loopback address")
        return self

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.allow_insecure:
            return self
        if not self.sandbox and not self.tls:
            self._refuse("tls_certificate_file", "is required outside sandbox mode")
        if not self.sandbox and not self.guarded:
            self._refuse(
                "token_key_files", "or CLIENT_POLICY_FILE is required outside sandbox mode"
            )
        if not self.tls and not is_loopback(self.address):
            self._refuse("address", "must be a loopback address where there is no TLS")
        return self

    def _require(self, name: str, *others: str) -> None:
        """With `name` set, all the others must be."""
        if not getattr(self, name):
            return
        for other in others:
            if not getattr(self, other):
                self._refuse(other, f"is required with {self.variable(name)}")

    def _refuse(self, name: str, why: str) -> None:
        raise ValueError(f"{self.variable(name)} {why}")

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        return f"{cls.model_config.get('env_prefix', '')}{name}".upper()


def is_loopback(address: str) -> bool:
    """Whether `host:port` (or `unix:path`) can be reached from this machine only."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Settings = TypeVar("Settings", bound=ServiceSettings)


def load(kind: type[Settings]) -> Settings:
    """Read the settings from the environment; on a fault print every variable concerned and exit
    with 2.
    """
    try:
        return kind()  # type: ignore[call-arg]  # The environment has them.
    except ValidationError as invalid:
        for line in faults_of_settings(kind, invalid):
            print(line, file=sys.stderr)  # noqa: T201  # There is no log before there are settings.
        raise SystemExit(2) from None


def faults_of_settings(kind: type[ServiceSettings], invalid: ValidationError) -> list[str]:
    """One line for each fault, beginning with the variable's name; values are not shown."""
    lines = []
    for fault in invalid.errors(include_url=False, include_input=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        text = fault["msg"].removeprefix("Value error, ")
        lines.append(f"{kind.variable(name)}: {text}" if name else text)
    return lines
