"""What every coming settlement would publish of a member, kept in step with the facts."""

from laurel_kit.migrations import execute

revision = "0005"
down_revision = "0004"

COURSE = """
-- The score of a member by settlement month, by the facts of a version of it and the rules of a
-- plan: from months[i] (year * 12 + month - 1) on it is scores[i], before the first one 0. Worked
-- out from the facts, so it may be lost at any time.
create table score_course (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    member_version bigint not null,
    plan bytea not null,
    months integer[] not null,
    scores bigint[] not null,
    constraint pk_score_course primary key (program_id, member_id, model_id),
    constraint ck_score_course_steps check (cardinality(months) = cardinality(scores))
);

-- The last day on which all courses of a program were brought up to date, and whether facts came
-- since. A mark that is missed costs nothing but time: a settlement looks at every member.
create table course_day (
    program_id text collate "C" not null,
    day date not null,
    pending boolean not null,
    constraint pk_course_day primary key (program_id)
);
"""


def upgrade() -> None:
    execute(COURSE)
