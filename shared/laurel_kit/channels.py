"""Calls to other services: channels that retry, pass on deadlines and ids, and show who calls.

The work of a client interceptor is done by a thin channel around grpc's own, because an interceptor
of grpc.aio costs a task and more time than the call's own bookkeeping.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from laurel_kit.access import SCHEME, TOKEN_KEY
from laurel_kit.files import Watched
from laurel_kit.interceptors.call import REQUEST_ID_KEY, TRACE_KEY, current_call
from laurel_kit.refusals import DeadlineExceeded, DependencyDown
from laurel_kit.settings import ServiceSettings

RETRY_ATTEMPTS = 4
"""Tries of a call in all. Every write carries a request id, so repeating is safe for all
methods."""

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            # A `timeout` here fails in grpc for Python; deadlines are set call by call below.
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": RETRY_ATTEMPTS,
                "initialBackoff": "0.05s",
                "maxBackoff": "2s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
OVERLOADED = "QUEUE_FULL"

Metadata = Sequence[tuple[str, str | bytes]]


def open_channel(
    address: str,
    settings: ServiceSettings,
    *,
    interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
) -> grpc.aio.Channel:
    """A channel to `host:port`, encrypted and with a token as the settings say; nothing is sent
    yet.

    A call takes at most the settings' `call_deadline` and never longer than the call it is made for
    has left; a stream is bounded by the latter alone. `interceptors` are telemetry's.
    """
    options = channel_options(settings)
    if settings.caller_authority_file:
        credentials = channel_credentials(settings)
        inner = grpc.aio.secure_channel(address, credentials, options, interceptors=interceptors)
    else:
        inner = grpc.aio.insecure_channel(address, options, interceptors=interceptors)
    token = None
    if settings.caller_token_file:
        token = Watched([settings.caller_token_file], lambda paths: paths[0].read_text().strip())
    return CallingChannel(inner, settings.call_deadline.total_seconds(), token)


def channel_options(settings: ServiceSettings) -> list[tuple[str, Any]]:
    """Retries, message limits (the other way round than the server's) and keepalive."""
    return [
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.max_send_message_length", settings.request_bytes_max),
        ("grpc.max_receive_message_length", settings.response_bytes_max),
        ("grpc.keepalive_time_ms", milliseconds(settings.keepalive_interval.total_seconds())),
        ("grpc.keepalive_timeout_ms", milliseconds(settings.keepalive_timeout.total_seconds())),
    ]


def channel_credentials(settings: ServiceSettings) -> grpc.ChannelCredentials:
    """TLS, with a certificate of our own where one is set."""
    files = (
        settings.caller_authority_file,
        settings.caller_key_file,
        settings.caller_certificate_file,
    )
    authority, key, certificate = (path.read_bytes() if path else None for path in files)
    return grpc.ssl_channel_credentials(authority, key, certificate)


@contextmanager
def dependency(name: str) -> Iterator[None]:
    """Around a call: raises DependencyDown when the service `name` does not answer in time.

    What it answers, refusals included, passes: see `reason_of`.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() in AWAY or reason_of(error)[0] == OVERLOADED:
            raise DependencyDown(dependency=name) from error
        raise


def reason_of(error: grpc.aio.AioRpcError) -> tuple[str, Mapping[str, str]]:
    """The reason and the metadata of a refusal by another service; empty when it names none."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info):
            return info.reason, dict(info.metadata)
    return "", {}


class CallingChannel(grpc.aio.Channel):
    """A channel whose calls know the call they are made for."""

    def __init__(
        self, inner: grpc.aio.Channel, deadline: float, token: Watched[str] | None
    ) -> None:
        self._inner = inner
        self._deadline = deadline
        self._token = token

    def unary_unary(self, *method: Any, **options: Any) -> Any:
        """A callable with the default deadline."""
        return self._calling(self._inner.unary_unary(*method, **options), self._deadline)

    def stream_unary(self, *method: Any, **options: Any) -> Any:
        """A callable without a default deadline: how long it takes is up to who streams."""
        return self._calling(self._inner.stream_unary(*method, **options), None)

    def unary_stream(self, *method: Any, **options: Any) -> Any:
        """A callable without a default deadline: a feed may go on for hours."""
        return self._calling(self._inner.unary_stream(*method, **options), None)

    def stream_stream(self, *method: Any, **options: Any) -> Any:
        """A callable without a default deadline."""
        return self._calling(self._inner.stream_stream(*method, **options), None)

    def _calling(self, call: Callable[..., Any], deadline: float | None) -> Callable[..., Any]:
        def begin(
            request: Any = None,
            *,
            timeout: float | None = None,
            metadata: Metadata | None = None,
            **options: Any,
        ) -> Any:
            seconds = time_for(timeout if timeout is not None else deadline)
            sent = (*(metadata or ()), *self._metadata())
            return call(request, timeout=seconds, metadata=sent, **options)

        return begin

    def _metadata(self) -> Iterator[tuple[str, str]]:
        if self._token:
            yield TOKEN_KEY, SCHEME.capitalize() + self._token.value()
        if call := current_call():
            yield REQUEST_ID_KEY, call.request_id
            if call.trace_parent:
                yield TRACE_KEY, call.trace_parent

    async def close(self, grace: float | None = None) -> None:
        """Close; calls in flight may finish within `grace` seconds."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Whether it is connected."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Returns when the state is another one."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Returns when it is connected."""
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()


def time_for(wanted: float | None) -> float | None:
    """Seconds a call may take: what is wanted, never more than the call it is made for has left.

    Raises DeadlineExceeded when that has nothing left: the work would be for nobody.
    """
    call = current_call()
    remaining = call.time_remaining() if call else None
    if remaining is None:
        return wanted
    if remaining <= 0:
        raise DeadlineExceeded
    return remaining if wanted is None else min(wanted, remaining)


def milliseconds(seconds: float) -> int:
    """Seconds as channel arguments count them."""
    return round(seconds * 1000)
