"""The facts of many members, as every statement that values them by set reads them.

Members are numbered, because comparing names is most of the work otherwise.
"""

from __future__ import annotations

ASKED = """
asked as materialized (
    select known.member_id, known.version, row_number() over ()::int as place
    from unnest(cast(:member_ids as text[])) as wanted (member_id)
    cross join lateral (
        select member.member_id, member.version
        from member
        where member.program_id = :program_id and member.member_id = wanted.member_id
        offset 0
    ) as known
"""
"""The members asked for, each with its place and the version that it is read at."""

KNOWN = """\
    from asked
    cross join lateral (
        select activity.activity_id, activity.fact_kind, activity.activity_time, activity.order_id,
            activity.content, (activity.activity_time at time zone :zone)::date as day
        from activity
        where activity.program_id = :program_id and activity.member_id = asked.member_id
            and not exists (
                select
                from retraction
                where retraction.program_id = activity.program_id
                    and retraction.member_id = activity.member_id
                    and retraction.activity_id = activity.activity_id
            )
        offset 0
    ) as known
"""
"""What is known of them: every fact that was not retracted, with its business day."""
