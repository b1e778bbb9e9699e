"""How a call ends: a refusal becomes its status, a bug becomes INTERNAL without its text, both a
log line.
"""

from __future__ import annotations

import grpc
import structlog
from google.rpc import status_pb2

from laurel_kit.faults import FaultTable, fault_of, status_of, unexpected_status
from laurel_kit.ids import new_id
from laurel_kit.interceptors.call import Call

DETAILS_KEY = "grpc-status-details-bin"
OK = "OK"
ALARMING = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"})
WORRYING = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "DEADLINE_EXCEEDED"})
CODES = {code.value[0]: code for code in grpc.StatusCode}

_LOG = structlog.stdlib.get_logger(__name__)


class Ending:
    """Ends the calls of one service."""

    def __init__(
        self, *, domain: str, faults: FaultTable, slow_seconds: float, every_call: bool
    ) -> None:
        self._domain = domain
        self._faults = faults
        self._slow_seconds = slow_seconds
        self._every_call = every_call

    async def refuse(self, call: Call, error: Exception) -> None:
        """End the call with the status of `error`; what the table does not know is a bug of ours.

        Raises what grpc ends a call with; an end the servicer has chosen itself is left as it is.
        """
        if isinstance(error, grpc.aio.AbortError):
            call.outcome = "ABORTED_BY_SERVICER"
            raise error
        status = described(error, self._faults, domain=self._domain)
        code = CODES[status.code]
        call.outcome, call.reason = code.name, type(error).__name__
        trailer = (DETAILS_KEY, status.SerializeToString())
        await call.context.abort(code, status.message, (trailer,))

    def note(self, call: Call) -> None:
        """Leave a line in the log where the call is worth one."""
        outcome = call.outcome
        if outcome == OK:
            if self._every_call:
                _LOG.debug("call answered", outcome=outcome, seconds=round(call.elapsed, 6))
            if call.elapsed > self._slow_seconds and not call.policy.lasting:
                _LOG.warning("slow call", outcome=outcome, seconds=round(call.elapsed, 6))
            return
        line = _LOG.info
        if outcome in ALARMING:
            line = _LOG.error
        elif outcome in WORRYING:
            line = _LOG.warning
        line("call refused", outcome=outcome, reason=call.reason, seconds=round(call.elapsed, 6))


def described(error: Exception, faults: FaultTable, *, domain: str) -> status_pb2.Status:
    """The status of whatever was raised; what the table does not know is logged whole, once."""
    if fault_of(error, faults) is not None:
        return status_of(error, faults, domain=domain)
    log_id = new_id()
    _LOG.error("unexpected error", log_id=log_id, exc_info=error)
    return unexpected_status(log_id=log_id, domain=domain)
