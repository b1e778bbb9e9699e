"""The one interceptor of a server: every step a call passes, composed once a method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, nullcontext
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Protocol

import grpc

from laurel_kit.interceptors.call import CURRENT, Call
from laurel_kit.interceptors.deadline import check_deadline, limit_of
from laurel_kit.interceptors.ending import OK, Ending
from laurel_kit.interceptors.gate import Gate
from laurel_kit.interceptors.policy import OPEN_SERVICES, MethodPolicy
from laurel_kit.interceptors.validation import validate, validated
from laurel_kit.refusals import DeadlineExceeded, ShuttingDown
from laurel_kit.settings import ServiceSettings

Handler = Any
"""grpc's RpcMethodHandler, whose fields its stubs do not show."""

Context = Any
Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncGenerator[Any, None]]


class Access(Protocol):
    """Whether a call is allowed (see `laurel_kit.access`)."""

    def check(self, call: Call) -> None:
        """Sets the call's caller. Raises TokenInvalid or ScopeMissing."""
        ...


class Chain(grpc.aio.ServerInterceptor):
    """Wraps each method at its first call; what no policy names is not served."""

    def __init__(
        self,
        *,
        policies: Mapping[str, MethodPolicy],
        settings: ServiceSettings,
        gate: Gate,
        access: Access,
        ending: Ending,
    ) -> None:
        self._policies = policies
        self._settings = settings
        self._gate = gate
        self._access = access
        self._ending = ending
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The handler of the method with every step around it, None (UNIMPLEMENTED) without one."""
        path = handler_call_details.method
        if found := self._wrapped.get(path):
            return found
        policy = self._policies.get(path)
        if policy is None and service_of(path) not in OPEN_SERVICES:
            return None
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        self._wrapped[path] = handler if policy is None else self.wrap(policy, handler)
        return self._wrapped[path]

    def wrap(self, policy: MethodPolicy, handler: Handler) -> Handler:
        """The handler with every step around its behaviour."""
        behavior = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        if handler.response_streaming:
            assert isasyncgenfunction(behavior), f"{policy.path} must be an async generator"
            wrapped: Any = self._streamed(policy, behavior, handler.request_streaming)
        else:
            assert iscoroutinefunction(behavior), f"{policy.path} must be an async function"
            wrapped = self._answered(policy, behavior, handler.request_streaming)
        return remade(handler, wrapped)

    def _admit(self, call: Call, limit: float) -> float | None:
        """Refuse a call that may not begin; answers the seconds after which the server ends it."""
        self._gate.check()
        seconds = check_deadline(call, limit)
        self._access.check(call)
        return seconds

    def _named(self, error: Exception, clock: asyncio.Timeout) -> Exception:
        """The refusal of a stream: when the gate was closed, that is why its time was over."""
        found = named(error, clock)
        return ShuttingDown() if found is not error and self._gate.closed else found

    def _answered(self, policy: MethodPolicy, behavior: Unary, request_streaming: bool) -> Unary:
        """The wrapper of a method with one response."""
        limit = limit_of(policy, self._settings)
        gate, ending, admit = self._gate, self._ending, self._admit
        check = validated if request_streaming else validate

        async def answer(request: Any, context: Context) -> Any:
            call = Call(policy, context)
            CURRENT.set(call)
            gate.inside += 1
            try:
                seconds = admit(call, limit)
                request = check(request)
                if seconds is None:
                    response = await behavior(request, context)
                else:
                    response = await within(seconds, behavior(request, context))
                call.outcome = OK
            except Exception as error:  # noqa: BLE001  # One place for every end.
                await ending.refuse(call, error)
            else:
                return response
            finally:
                gate.inside -= 1
                ending.note(call)
                call.ended = True

        return answer

    def _streamed(self, policy: MethodPolicy, behavior: Stream, request_streaming: bool) -> Stream:
        """The wrapper of a method with a stream of responses."""
        limit = limit_of(policy, self._settings)
        gate, ending, admit = self._gate, self._ending, self._admit
        check = validated if request_streaming else validate

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            call = Call(policy, context)
            CURRENT.set(call)
            gate.inside += 1
            clock = asyncio.timeout(None)
            ends = nullcontext() if policy.write else gate.ending_with(clock)
            try:
                seconds = admit(call, limit)
                async with clock, aclosing(behavior(check(request), context)) as responses:
                    with ends:
                        if seconds is not None:
                            clock.reschedule(asyncio.get_running_loop().time() + seconds)
                        async for response in responses:
                            yield response
                call.outcome = OK
            except Exception as error:  # noqa: BLE001  # One place for every end.
                await ending.refuse(call, self._named(error, clock))
            finally:
                gate.inside -= 1
                ending.note(call)
                call.ended = True

        return stream


async def within(seconds: float, work: Awaitable[Any]) -> Any:
    """The result of `work`. Raises DeadlineExceeded when it takes longer."""
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            return await work
    except TimeoutError as error:
        raise named(error, clock) from error


def named(error: Exception, clock: asyncio.Timeout) -> Exception:
    """The refusal when it was the clock that ended the work, otherwise the error itself."""
    if isinstance(error, TimeoutError) and clock.expired():
        return DeadlineExceeded()
    return error


def service_of(path: str) -> str:
    """`grpc.health.v1.Health` of `/grpc.health.v1.Health/Check`."""
    return path[1:].partition("/")[0]


def remade(handler: Handler, behavior: Any) -> Handler:
    """A handler of the same kind and coding with another behaviour."""
    kind = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    return kind(behavior, handler.request_deserializer, handler.response_serializer)
