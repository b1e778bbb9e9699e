"""Conditions of a program, written in CEL: checked when the program is, evaluated for every fact.

Amounts are structure; CEL says only when a rule applies. Of the language only what cannot fail is
let through: comparisons, and, or, not, `in`, `startsWith`, `endsWith`, `contains`, `size`, `?:`,
and `exists` / `all` over a list. So a condition that has been compiled always has an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from cel.expr import checked_pb2, syntax_pb2
from cel_expr_python import cel
from google.protobuf.any_pb2 import Any as Packed

LENGTH_MAX = 1000
"""Longest condition; the longest of a real program has some 200 characters."""

ENVIRONMENTS_MAX = 64
"""Sets of variables kept prepared; a service has a handful."""


class Kind(Enum):
    """What a variable of a condition is."""

    INTEGER = "INT"
    STRING = "STRING"
    BOOLEAN = "BOOL"
    STRINGS = "STRINGS"
    """A list of strings."""
    INSTANT = "TIMESTAMP"
    """An aware datetime, compared with `timestamp("2026-11-11T00:00:00+08:00")`."""


Value = int | str | bool | list[str] | datetime
Variables = Mapping[str, Kind]


class ConditionInvalid(Exception):
    """The text is no condition over these variables. `message` says why, for the author."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: a pure function of its variables."""

    text: str
    names: tuple[str, ...]
    """The variables it looks at."""
    expression: Any
    compared: Mapping[str, frozenset[str | int]]
    """The constants that each variable is compared with."""
    is_closed: bool
    """Whether variables are compared with constants only: then `compared` says all that matters."""

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it holds. `values` has at least the variables it looks at, each of its kind.

        Takes 6 to 10 us with two variables; handing over values is what costs.
        """
        answer = self.expression.eval(data={name: values[name] for name in self.names}).value()
        assert isinstance(answer, bool), f"{self.text}: {answer}"
        return answer


def compile_condition(text: str, variables: Variables) -> Condition:
    """The condition in the text. Raises ConditionInvalid with everything wrong with it."""
    if len(text) > LENGTH_MAX:
        raise ConditionInvalid(f"is longer than {LENGTH_MAX} characters")
    environment = environment_of(frozenset(variables.items()))
    try:
        expression = environment.compile(text)
    except RuntimeError as error:
        raise ConditionInvalid(said(str(error))) from None
    if expression.return_type() != cel.Type.BOOL:
        raise ConditionInvalid(
            f"is {expression.return_type().name()}, a condition is true or false"
        )
    checked = checked_form(expression)
    refuse_fallible(checked)
    used = {reference.name for reference in checked.reference_map.values()}
    names = tuple(name for name in variables if name in used)
    compared, is_closed = comparisons_of(checked.expr, names)
    return Condition(text, names, expression, compared, is_closed)


@lru_cache(ENVIRONMENTS_MAX)
def environment_of(variables: frozenset[tuple[str, Kind]]) -> Any:
    """The compiler for conditions over these variables."""
    return cel.NewEnv(variables={name: type_of(kind) for name, kind in variables})


def type_of(kind: Kind) -> Any:
    """The kind as CEL knows it."""
    return cel.Type.List(cel.Type.STRING) if kind is Kind.STRINGS else getattr(cel.Type, kind.value)


def said(error: str) -> str:
    """The faults of the compiler in one line, each with its column, without its drawings."""
    lines = (line.partition("ERROR: <input>:") for line in error.splitlines())
    faults = [fault.removesuffix(" [INVALID_ARGUMENT]") for _, found, fault in lines if found]
    if not faults:
        return "is nested too deeply" if "recursion" in error else "is no condition"
    return "; ".join(readable(fault) for fault in faults)


def readable(fault: str) -> str:
    """`1:5: undeclared reference to 'x' (in container '')` in the words of program files."""
    line, column, text = fault.split(":", 2)
    place = f"column {column}" if line == "1" else f"line {line}, column {column}"
    words = text.strip().removesuffix(" (in container '')")
    return f"{words} at {place}"


COMPARED = ("int64", "string", "timestamp", "bool")
TOTAL = frozenset(
    {
        "equals",
        "not_equals",
        "logical_and",
        "logical_or",
        "logical_not",
        "not_strictly_false",
        "conditional",
        "in_list",
        "starts_with_string",
        "ends_with_string",
        "contains_string",
        "size_list",
        "size_string",
        "list_size",
        "string_size",
        "string_to_timestamp",
        *(
            f"{word}_{kind}"
            for word in ("less", "less_equals", "greater", "greater_equals")
            for kind in COMPARED
        ),
    }
)
"""The overloads of CEL that have an answer for all arguments of their kinds."""

PARTS = frozenset({"const_expr", "ident_expr", "call_expr", "list_expr", "comprehension_expr"})
"""What a condition is built of. Neither structures nor their fields: a field may be missing."""


def checked_form(expression: Any) -> checked_pb2.CheckedExpr:
    """The tree of the expression with what its names refer to."""
    checked = checked_pb2.CheckedExpr()
    Packed.FromString(expression.serialize()).Unpack(checked)
    return checked


def refuse_fallible(checked: checked_pb2.CheckedExpr) -> None:
    """Refuse what may fail for some values, and loops within loops."""
    used = {overload for each in checked.reference_map.values() for overload in each.overload_id}
    if strange := sorted(used - TOTAL):
        raise ConditionInvalid(f"uses {', '.join(strange)}, which may fail or is not known here")
    for part, loops in parts_of(checked.expr, 0):
        if part.WhichOneof("expr_kind") not in PARTS:
            raise ConditionInvalid("uses fields or structures, which are not known here")
        if loops > 1:
            raise ConditionInvalid("has a loop within a loop")
        if part.call_expr.function == "timestamp":
            refuse_nonsense(part.call_expr.args[0])


def parts_of(part: Any, loops: int) -> Iterator[tuple[Any, int]]:
    """Every part of the expression, with the number of loops around it."""
    loop = part.comprehension_expr if part.HasField("comprehension_expr") else None
    yield part, loops + bool(loop)
    call, listed = part.call_expr, part.list_expr
    for inner in (
        *([call.target] if call.HasField("target") else ()),
        *call.args,
        *listed.elements,
    ):
        yield from parts_of(inner, loops)
    if loop:
        yield from parts_of(loop.iter_range, loops)
        for inner in (loop.accu_init, loop.loop_condition, loop.loop_step, loop.result):
            yield from parts_of(inner, loops + 1)


COMPARING = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})
WITHIN_TEXT = frozenset({"startsWith", "endsWith", "contains"})


def comparisons_of(
    expression: Any, names: Sequence[str]
) -> tuple[dict[str, frozenset[str | int]], bool]:
    """What each variable is compared with, and whether nothing else is asked of any."""
    found: dict[str, frozenset[str | int]] = dict.fromkeys(names, frozenset())
    is_closed = True
    for part, loops in parts_of(expression, 0):
        call = part.call_expr
        if call.function in COMPARING | WITHIN_TEXT:
            sides = [*([call.target] if call.HasField("target") else ()), *call.args]
            variables = [side.ident_expr.name for side in sides if side.HasField("ident_expr")]
            constants = [value for side in sides for value in constants_of(side)]
            if len(variables) == 1 and constants and variables[0] in found:
                found[variables[0]] |= frozenset(constants)
                continue
        is_closed &= not loops and call.function not in COMPARING | {"size"}
    return found, is_closed


def constants_of(part: Any) -> list[str | int]:
    """The constants that a part is, or that its list holds."""
    listed = [part, *part.list_expr.elements]
    kinds = {"int64_value", "string_value"}
    return [
        getattr(each.const_expr, each.const_expr.WhichOneof("constant_kind"))
        for each in listed
        if each.HasField("const_expr") and each.const_expr.WhichOneof("constant_kind") in kinds
    ]


def refuse_nonsense(argument: syntax_pb2.Expr) -> None:
    """An instant is written out: one made from a variable may be none."""
    text = argument.const_expr.string_value
    probe = environment_of(frozenset({("text", Kind.STRING)})).compile("timestamp(text)")
    if not isinstance(probe.eval(data={"text": text}).value(), datetime):
        raise ConditionInvalid(f'"{text}" is no instant such as 2026-11-11T00:00:00+08:00')
