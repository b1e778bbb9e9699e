"""Gives coupons to many members, and takes in codes of partners: jobs that survive a restart."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress

from laurel_benefits.domain.coupons import CouponSource, find_coupon_type, judge_gift
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.ids import CouponTypeId, MemberId, MemberKey, ProgramId, RevisionId
from laurel_benefits.domain.mall_errors import CouponWithoutCodes
from laurel_benefits.handlers.coupons import Gift, give_coupon
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.repeats import WriteKey
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import coupons
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import latest_risk

ISSUE_JOB = "coupon-issue"
IMPORT_JOB = "coupon-codes"
CODES_PER_STEP = 500  # One statement takes them in; a step stays short.


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueJob:
    """A coupon for many members."""

    program_id: ProgramId
    coupon_type_id: CouponTypeId
    member_ids: tuple[MemberId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedMember:
    """A member who got no coupon."""

    member_id: MemberId
    reason: ReasonCode


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCoupons:
    """What was given so far."""

    issued: int
    skipped: tuple[SkippedMember, ...]

    def after(self, member_id: MemberId, reason: ReasonCode | None) -> IssuedCoupons:
        """The same after one more member, who got it or did not for a reason."""
        if reason is None:
            return replace(self, issued=self.issued + 1)
        skipped = SkippedMember(member_id=member_id, reason=reason)
        return replace(self, skipped=(*self.skipped, skipped))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """Codes of a partner."""

    program_id: ProgramId
    coupon_type_id: CouponTypeId
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCodes:
    """What was taken in so far."""

    imported: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedJob:
    """The answer to a request, kept for its repeats."""

    operation_name: str


async def issue_coupons(key: WriteKey, job: IssueJob, *, resources: Resources) -> Operation:
    """Start to give a coupon to many members. Raises CouponTypeNotFound, RequestIdReused."""
    revision = await revision_now(job.program_id, resources)
    find_coupon_type(revision.model, job.coupon_type_id)
    return await start_once(ISSUE_JOB, key, job, resources)


async def import_codes(key: WriteKey, job: ImportJob, *, resources: Resources) -> Operation:
    """Start to take in codes. Raises CouponTypeNotFound, CouponWithoutCodes, RequestIdReused."""
    revision = await revision_now(job.program_id, resources)
    if not find_coupon_type(revision.model, job.coupon_type_id).coded:
        raise CouponWithoutCodes(coupon_type_id=job.coupon_type_id)
    return await start_once(IMPORT_JOB, key, job, resources)


async def run_issue(job: IssueJob, progress: Progress, *, resources: Resources) -> IssuedCoupons:
    """Give the coupon to one member after the other, each in a transaction of its own."""
    reader = requests.adapter(IssuedCoupons)
    given = IssuedCoupons(issued=0, skipped=())
    if progress.checkpoint is not None:
        given = reader.validate_python(progress.checkpoint)
    total = len(job.member_ids)
    while progress.done < total:
        given = await issue_next(job, given, progress, resources)
    return given


async def issue_next(
    job: IssueJob, given: IssuedCoupons, progress: Progress, resources: Resources
) -> IssuedCoupons:
    """Give the coupon to the next member, or say why not."""
    member = MemberKey(program_id=job.program_id, member_id=job.member_ids[progress.done])

    async def work(connection: Connection) -> IssuedCoupons:
        reason = await issue_to(connection, job, member, resources)
        now_given = given.after(member.member_id, reason)
        await progress.record(
            connection,
            done=progress.done + 1,
            total=len(job.member_ids),
            checkpoint=requests.adapter(IssuedCoupons).dump_python(now_given, mode="json"),
        )
        return now_given

    return await resources.database.transact(work)


async def issue_to(
    connection: Connection, job: IssueJob, member: MemberKey, resources: Resources
) -> ReasonCode | None:
    """Give the coupon to one member; the reason when that may not be."""
    now = resources.clock.now()
    revision = await resources.programs.at(connection, member.program_id, now)
    coupon_type = find_coupon_type(revision.model, job.coupon_type_id)
    await lock_member(connection, member, now=now)
    reason = judge_gift(
        coupon_type,
        await latest_risk(connection, member),
        issued=await coupons.issued_to(connection, member, job.coupon_type_id),
        stock_left=await coupons.stock_left(connection, member.program_id, coupon_type),
        now=now,
    )
    if reason:
        return reason.code
    gift = Gift(
        coupon_type=coupon_type,
        member=member,
        source=CouponSource.ISSUE,
        reference=job.reason,
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    coupon = await give_coupon(connection, gift)
    return None if coupon else ReasonCode.STOCK_EXHAUSTED


async def run_import(job: ImportJob, progress: Progress, *, resources: Resources) -> ImportedCodes:
    """Take in the codes, so many a step."""
    imported = int(progress.checkpoint or 0)
    total = len(job.codes)
    while progress.done < total:
        step = job.codes[progress.done : progress.done + CODES_PER_STEP]
        imported = await import_step(job, step, imported, progress, resources)
    return ImportedCodes(imported=imported, duplicates=total - imported)


async def import_step(
    job: ImportJob,
    step: tuple[str, ...],
    imported: int,
    progress: Progress,
    resources: Resources,
) -> int:
    """Take in some codes; answers how many were new up to here."""

    async def work(connection: Connection) -> int:
        new = await coupons.import_codes(connection, job.program_id, job.coupon_type_id, step)
        await progress.record(
            connection,
            done=progress.done + len(step),
            total=len(job.codes),
            checkpoint=imported + new,
        )
        return imported + new

    return await resources.database.transact(work)


async def start_once(
    kind: str, key: WriteKey, job: IssueJob | ImportJob, resources: Resources
) -> Operation:
    """Start a job; a repeat gets the operation it started. Raises RequestIdReused."""

    async def work(connection: Connection) -> Operation | StartedJob:
        earlier = await requests.earlier(
            connection,
            program_id=key.program_id,
            member_id="",
            request_id=key.request_id,
            method=key.method,
            fingerprint=key.fingerprint,
            answer=StartedJob,
        )
        return earlier or await start_and_remember(connection, kind, key, job, resources)

    started = await resources.database.transact(work)
    if isinstance(started, StartedJob):
        return await resources.operations.get(started.operation_name)
    return started


async def start_and_remember(
    connection: Connection,
    kind: str,
    key: WriteKey,
    job: IssueJob | ImportJob,
    resources: Resources,
) -> Operation:
    """Have the job run once the transaction commits, and know the request again."""
    operation = await resources.operations.start(
        connection,
        kind=kind,
        program_id=key.program_id,
        request=job,
        request_id=key.request_id,
        fingerprint=key.fingerprint,
    )
    await requests.remember(
        connection,
        program_id=key.program_id,
        member_id="",
        request_id=key.request_id,
        method=key.method,
        fingerprint=key.fingerprint,
        answer=StartedJob(operation_name=operation.name),
    )
    return operation
