"""Calls to copy: what people try first, with grpcurl and with buf curl."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from laurel_cli.story import ASSET_ID, MODEL_ID, PLAN_ID, PROGRAM_ID

DEADLINE_SECONDS = 10
"""Writes need a deadline, and a read may have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call with what it is about."""

    title: str
    service: str
    method: str
    """As in the contract: `laurel.ledger.v1.BalanceService/GetBalance`."""
    request: Mapping[str, str]

    def as_grpcurl(self, address: str) -> str:
        """The call by grpcurl, a line for the shell."""
        return (
            f"{tool('grpcurl')} -plaintext -max-time {DEADLINE_SECONDS} "
            f"-d {self.quoted_request} {address} {self.method}"
        )

    def as_buf_curl(self, address: str) -> str:
        """The call by buf curl, a line for the shell."""
        return (
            f"{tool('buf')} curl --protocol grpc --http2-prior-knowledge "
            f"--timeout {DEADLINE_SECONDS}s "
            f"-d {self.quoted_request} http://{address}/{self.method}"
        )

    @property
    def quoted_request(self) -> str:
        """The request as JSON, quoted for the shell."""
        return shlex.quote(json.dumps(dict(self.request)))


def write_examples(member_id: str) -> list[Example]:
    """A balance, a score with its explanation, a price."""
    who = {"program_id": PROGRAM_ID, "member_id": member_id}
    return [
        Example(
            title="The member's beans",
            service="ledger",
            method="laurel.ledger.v1.BalanceService/GetBalance",
            request={**who, "asset_id": ASSET_ID},
        ),
        Example(
            title="The member's score, and why it is that",
            service="scoring",
            method="laurel.scoring.v1.ScoreService/ExplainScore",
            request={**who, "model_id": MODEL_ID, "basis": "SCORE_BASIS_LIVE"},
        ),
        Example(
            title="What a PLUS membership would cost the member",
            service="benefits",
            method="laurel.benefits.v1.MembershipService/QuoteMembership",
            request={**who, "plan_id": PLAN_ID, "request_id": f"{member_id}-try-1"},
        ),
    ]


def tool(name: str) -> str:
    """How to call a tool of the environment from here, as short as it can be said."""
    path = Path(sys.prefix) / "bin" / name
    try:
        return shlex.quote(str(path.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(path))
