"""BatchGetScores and ListScoreHistory: messages to queries, scores to messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from laurel.scoring.v1 import scores_pb2 as pb
from laurel_kit.calendar import ONE_DAY
from laurel_kit.pages import Cursor, PageTokens, page_size

from laurel_scoring.domain.errors import ScoreNotPublished
from laurel_scoring.domain.windows import Basis
from laurel_scoring.handlers.score_lists import BatchQuery, HistoryEntry
from laurel_scoring.handlers.scores import Answer, ScoreQuery
from laurel_scoring.wire.activities import WriteStatus
from laurel_scoring.wire.scores import BASES, write_get_score, write_level, write_optional_date
from laurel_scoring.wire.settlements import read_month_cursor
from laurel_scoring.wire.times import optional_time, write_date, write_month, write_time


def read_batch_get_scores(request: pb.BatchGetScoresRequest) -> BatchQuery:
    """Whose scores are wanted."""
    return BatchQuery(
        program_id=request.program_id,
        member_ids=tuple(request.member_ids),
        model_id=request.model_id,
        basis=BASES[request.basis],
        as_of=optional_time(request, "as_of_time"),
    )


def write_batch_get_scores(
    query: BatchQuery, answers: Sequence[Answer | ScoreNotPublished], write_status: WriteStatus
) -> pb.BatchGetScoresResponse:
    """The score of each member."""
    return pb.BatchGetScoresResponse(
        results=[
            write_member_score(member_id, answer, write_status)
            for member_id, answer in zip(query.member_ids, answers, strict=True)
        ]
    )


def write_member_score(
    member_id: str, answer: Answer | ScoreNotPublished, write_status: WriteStatus
) -> pb.MemberScore:
    """The score of one member of many."""
    if isinstance(answer, ScoreNotPublished):
        return pb.MemberScore(member_id=member_id, error=write_status(answer))
    return pb.MemberScore(member_id=member_id, answer=write_get_score(answer))


def read_list_score_history(request: pb.ListScoreHistoryRequest) -> ScoreQuery:
    """Whose published scores are wanted."""
    return ScoreQuery(
        program_id=request.program_id,
        member_id=request.member_id,
        model_id=request.model_id,
        basis=Basis.PUBLISHED,
        as_of=None,
    )


def read_history_page(
    request: pb.ListScoreHistoryRequest,
) -> tuple[tuple[date, int] | None, int]:
    """Where a page begins, and how many scores it has at most. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str, int)
    return read_month_cursor(cursor), page_size(request.page_size)


def write_list_score_history(
    request: pb.ListScoreHistoryRequest, entries: Sequence[HistoryEntry], size: int
) -> pb.ListScoreHistoryResponse:
    """A page of published scores; one more than its size says that another page follows."""
    page = entries[:size]
    cursor: Cursor | None = None
    if len(entries) > size:
        last = page[-1].published
        cursor = [last.month.isoformat(), last.run]
    return pb.ListScoreHistoryResponse(
        entries=[write_entry(entry) for entry in page],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_entry(entry: HistoryEntry) -> pb.ScoreHistoryEntry:
    """A score as a settlement published it."""
    published, span = entry.published, entry.span
    return pb.ScoreHistoryEntry(
        score=pb.Score(
            program_id=published.program_id,
            member_id=published.member_id,
            model_id=published.model_id,
            value=published.value,
            level=write_level(entry.level),
            basis=pb.SCORE_BASIS_PUBLISHED,
            as_of_time=write_time(published.due_time),
            window_start_date=write_optional_date(span.first),
            window_end_date=write_date(span.end - ONE_DAY),
            settlement_date=write_date(entry.settlement_date),
            publish_time=write_time(published.publish_time),
            program_revision=published.revision_id,
            correction_reason=published.correction_reason,
        ),
        settlement_month=write_month(published.month),
        run=published.run,
    )
