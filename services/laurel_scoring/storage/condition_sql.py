"""Conditions of a program as the database asks them: the same answer for the same values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laurel_kit.programs.expressions import checked_form

INFIX = {
    "_&&_": "and",
    "_||_": "or",
    "_==_": "=",
    "_!=_": "<>",
    "_<_": "<",
    "_<=_": "<=",
    "_>_": ">",
    "_>=_": ">=",
}

WITHIN_TEXT = {
    "startsWith": "starts_with({0}, {1})",
    "endsWith": "right({0}, length({1})) = {1}",
    "contains": "position({1} in {0}) > 0",
}

ORDERED = {"_<_", "_<=_", "_>_", "_>=_"}


class NotInSql(Exception):
    """Something of a condition has no answer in the database."""


def sql_of(condition: object, columns: Mapping[str, str]) -> str:
    """A condition over columns that are never null. Raises NotInSql."""
    expression = getattr(condition, "expression", None)
    if expression is None:
        raise NotInSql
    checked = checked_form(expression)
    for reference in checked.reference_map.values():
        # Texts are ordered by the collation of the database, numbers everywhere alike.
        if any(each.startswith(("less", "greater")) for each in reference.overload_id) and not all(
            each.endswith("_int64") for each in reference.overload_id
        ):
            raise NotInSql
    return part_of(checked.expr, columns)


def part_of(part: Any, columns: Mapping[str, str]) -> str:
    """One part of a condition. Raises NotInSql."""
    match part.WhichOneof("expr_kind"):
        case "const_expr":
            return constant_of(part.const_expr)
        case "ident_expr" if part.ident_expr.name in columns:
            return columns[part.ident_expr.name]
        case "call_expr":
            return call_of(part.call_expr, columns)
    raise NotInSql


def constant_of(constant: Any) -> str:
    """A constant as it is written. Raises NotInSql."""
    match constant.WhichOneof("constant_kind"):
        case "bool_value":
            return str(constant.bool_value).lower()
        case "int64_value":
            return f"({constant.int64_value})"
        case "string_value":
            return quoted(constant.string_value)
    raise NotInSql


def quoted(word: str) -> str:
    """A text as it is written, where a colon would begin a parameter. Raises NotInSql."""
    if "\\" in word or "\0" in word:
        raise NotInSql
    return "'" + word.replace("'", "''").replace(":", "\\:") + "'"


def call_of(call: Any, columns: Mapping[str, str]) -> str:
    """An operation of a condition. Raises NotInSql."""
    function = call.function
    if function == "@in":
        return membership_of(call.args[0], call.args[1], columns)
    given = [part_of(each, columns) for each in call.args]
    if function in WITHIN_TEXT and call.HasField("target"):
        return f"({WITHIN_TEXT[function].format(part_of(call.target, columns), given[0])})"
    if function in INFIX:
        return f"({given[0]} {INFIX[function]} {given[1]})"
    if function == "!_":
        return f"(not {given[0]})"
    if function == "_?_:_":
        return f"(case when {given[0]} then {given[1]} else {given[2]} end)"
    raise NotInSql


def membership_of(one: Any, many: Any, columns: Mapping[str, str]) -> str:
    """Whether a value is among others. Raises NotInSql."""
    sought = part_of(one, columns)
    if many.HasField("list_expr"):
        listed = ", ".join(part_of(each, columns) for each in many.list_expr.elements)
        return f"({sought} in ({listed}))" if listed else "false"
    return f"({sought} = any({part_of(many, columns)}))"
