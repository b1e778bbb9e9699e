"""One outcome for every request id: what all writes of this service have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

from laurel_kit import requests
from laurel_kit.database import Connection

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, RequestId
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage.members import lock_member


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """A write by the name its caller gave it."""

    program_id: ProgramId
    member_id: MemberId | None
    """None of a write about the whole program."""
    request_id: RequestId
    method: str
    fingerprint: bytes

    @property
    def member(self) -> MemberKey:
        """The member it is about."""
        assert self.member_id is not None, "a write about the program has no member"
        return MemberKey(program_id=self.program_id, member_id=self.member_id)


class Repeatable(Protocol):
    """An answer, a frozen dataclass, that says whether an earlier request decided it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def replayed(self) -> bool:
        """Whether it does."""
        ...


A = TypeVar("A", bound=Repeatable)


async def answer_once(
    key: WriteKey,
    kind: type[A],
    decide: Callable[[Connection], Awaitable[A]],
    *,
    resources: Resources,
) -> A:
    """The answer to a write: the earlier one, or what `decide` gathers, decides and records.

    All of it is one transaction in which the member, where there is one, is locked. `decide` may
    be begun again when another transaction was faster. Raises RequestIdReused.
    """
    now = resources.clock.now()

    async def work(connection: Connection) -> A:
        if key.member_id is not None:
            await lock_member(connection, key.member, now=now)
        if earlier := await earlier_answer(connection, key, kind):
            return earlier
        answer = await decide(connection)
        await requests.remember(
            connection,
            program_id=key.program_id,
            member_id=key.member_id or "",
            request_id=key.request_id,
            method=key.method,
            fingerprint=key.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


async def earlier_answer(connection: Connection, key: WriteKey, kind: type[A]) -> A | None:
    """The answer to an earlier, equal request. Raises RequestIdReused."""
    earlier = await requests.earlier(
        connection,
        program_id=key.program_id,
        member_id=key.member_id or "",
        request_id=key.request_id,
        method=key.method,
        fingerprint=key.fingerprint,
        answer=kind,
    )
    return replace(earlier, replayed=True) if earlier else None
