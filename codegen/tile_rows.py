"""Rows written where they belong: the last step of a result puts it there itself.

    product *= x                                np.multiply(product, x, out=d_x)
    d_x[...] = product                ->
    d_y[...] = np.exp(y) * z          ->        np.multiply(np.exp(y), z, out=d_y)

What is added to an array is added there at once, without the zeros that it would be added to:

    scattered = np.zeros((n, 3))                _add_rows(d_X, places, rows)
    _add_rows(scattered, places, rows)    ->
    d_X += scattered

Statements that a function runs one after the other, without loops or branches.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from .blocks import Statement, mentions
from .into import BINARY, call_into, form_of

WHOLE = "[...] = "
ADDING = re.compile(r"(?:_add_rows|_add_columns)\((\w+), ")  # what adds to its first argument


def written_into(
    statements: Sequence[Statement], arrays: Collection[str], last: str, np: str
) -> list[Statement]:
    """The statements, which `last` follows, with values computed into arrays where their last step can."""
    lines = [line for statement in statements for line in statement.lines]
    for array in arrays:
        _write_into(lines, array, last, np)
    rest = iter(lines)
    new = [replace(s, lines=tuple(next(rest) for _ in s.lines)) for s in statements]
    return [replace(s, lines=kept) for s in new if (kept := tuple(filter(None, s.lines))) or s.blocks]


def added_into(statements: Sequence[Statement], arrays: Collection[str], last: str) -> list[Statement]:
    """The statements, which `last` follows, with rows added to arrays without zeros on the way."""
    lines = [line for statement in statements for line in statement.lines]
    if not any(statement.blocks for statement in statements):
        for array in arrays:
            _add_into(lines, array, last)
    rest = iter(lines)
    new = [replace(s, lines=tuple(next(rest) for _ in s.lines)) for s in statements]
    return [replace(s, lines=kept) for s in new if (kept := tuple(filter(None, s.lines))) or s.blocks]


def _add_into(lines: list[str], array: str, last: str) -> None:
    """Add rows to an array at once that are added to zeros, and these to the array."""
    place = next((i for i, line in enumerate(lines) if line.startswith(f"{array} += ")), None)
    value = "" if place is None else lines[place].removeprefix(f"{array} += ")
    if not value.isidentifier() or mentions(last, value):
        return
    own = [i for i, line in enumerate(lines) if mentions(line, value)]
    made, *adding, end = own if len(own) > 2 else (0, 0)
    zeros = lines[made].startswith(f"{value} = np.zeros(")
    if end == place and zeros and all(_adds_to(lines[i], value) for i in adding):
        for i in adding:
            lines[i] = lines[i].replace(f"({value}, ", f"({array}, ", 1)
        lines[made] = lines[end] = ""


def _adds_to(line: str, value: str) -> bool:
    """Whether a line adds to this array, and mentions it nowhere else."""
    call = ADDING.match(line)
    return call is not None and call[1] == value and not mentions(line[call.end() :], value)


def _write_into(lines: list[str], array: str, last: str, np: str) -> None:
    """Replace the line that copies a value by the step that computes it."""
    place = next((i for i, line in enumerate(lines) if line.startswith(f"{array}{WHOLE}")), None)
    if place is None:
        return
    value = lines[place].removeprefix(f"{array}{WHOLE}")
    if not value.isidentifier():
        lines[place] = _into(value, array, np) or lines[place]
        return
    read_later = any(mentions(line, value) for line in (*lines[place + 1 :], last))
    updated = "" if read_later or not place else _updated(lines[place - 1], value, array, np)
    if updated:
        lines[place - 1], lines[place] = "", updated


def _into(text: str, array: str, np: str) -> str:
    """The call that puts an expression's value into an array; '' where there is none."""
    node = ast.parse(text, mode="eval").body
    form = form_of(node, np)
    if form is None or form.is_statement:
        return ""
    return call_into(form, text, array, np, lambda part: ast.get_source_segment(text, part) or "")


def _updated(line: str, name: str, array: str, np: str) -> str:
    """A step that changes a value in place, with its result in an array instead."""
    trees = ast.parse(line).body
    if len(trees) != 1:
        return ""
    (tree,) = trees
    if isinstance(tree, ast.AugAssign) and ast.unparse(tree.target) == name and type(tree.op) in BINARY:
        change = ast.get_source_segment(line, tree.value)
        return f"{np}.{BINARY[type(tree.op)]}({name}, {change}, out={array})"
    end = f", out={name})"
    is_call = isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Call)
    return f"{line[: -len(end)]}, out={array})" if is_call and line.endswith(end) else ""
