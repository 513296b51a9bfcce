"""Numbers that arrays meet, kept as arrays of rank 0 (-O2).

    np.multiply(2.0, r, out=d_r)     ->     np.multiply(_2, r, out=d_r)
    product *= -0.5                  ->     product *= _m0p5
    np.multiply(b, r, out=d_r)       ->     b_array[()] = b
                                            np.multiply(b_array, r, out=d_r)        for an argument b

NumPy turns a Python number into an array at each call, which takes as long as a hundred multiplications. Such
an array has a dtype that counts, as a number has not: so only in double precision. That of an argument is
part of a function's memory, and is written to at the start of a call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from autodiffc.compiler.types import Type

from .blocks import Block, Statement
from .context import Context
from .into import is_module

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
COMPARED = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)
CALLED = frozenset({
    "add", "subtract", "multiply", "divide", "maximum", "minimum",
    "greater", "greater_equal", "less", "less_equal",
})  # fmt: skip
FLOAT = re.compile(r"\d\.\d|\de-?\d")
NAME = re.compile(r"_(m?)(\d+)(?:p(\d+))?(?:e(m?\d+))?")


def name_of(number: str) -> str:
    """What a number is called.

    >>> [name_of(text) for text in ("2.0", "-0.25", "1e-05", "-1.5e+300")]
    ['_2', '_m0p25', '_1em05', '_m1p5e300']
    """
    sign = "m" if number.startswith("-") else ""
    digits = number.lstrip("-").removesuffix(".0")
    return f"_{sign}{digits.replace('.', 'p').replace('e-', 'em').replace('e+', 'e')}"


def number_of(name: str) -> str:
    """The number that a name stands for; '' where it stands for none.

    >>> [number_of(name) for name in ("_2", "_m0p25", "_1em05", "_m1p5e300", "_new")]
    ['2.0', '-0.25', '1e-05', '-1.5e+300', '']
    """
    match = NAME.fullmatch(name)
    if not match:
        return ""
    sign, whole, part, exponent = match.groups(default="")
    power = f"e{exponent.replace('m', '-')}" if exponent else ""
    return repr(float(f"{'-' if sign else ''}{whole}.{part or '0'}{power}"))


def with_constants(
    statements: Sequence[Statement], types: Mapping[str, Type | None], context: Context
) -> list[Statement]:
    """The statements of a function of the module; `types` are those of its variables."""
    if context.dtype != "float64":
        return [*statements]
    return as_arrays(statements, types, context.ref("np"), context.ref)


def as_arrays(
    statements: Sequence[Statement], types: Mapping[str, Type | None], np: str, ref: Callable[[str], str]
) -> list[Statement]:
    """The statements with names for numbers; `ref` notes a name's use."""

    def named(node: ast.expr) -> str:
        return ref(name_of(repr(ast.literal_eval(node)))) if _is_number(node) else ""

    return _renamed(statements, types, np, FLOAT, named)


def with_arguments(
    statements: Sequence[Statement],
    types: Mapping[str, Type | None],
    numbers: Collection[str],
    np: str,
    fresh: Callable[[str], str],
) -> tuple[list[Statement], dict[str, str]]:
    """The statements with arrays of rank 0 where arrays meet arguments, and these by the arguments.

    `numbers` are the arguments that are such, `fresh` makes names.
    """
    found: dict[str, str] = {}

    def named(node: ast.expr) -> str:
        if not isinstance(node, ast.Name) or node.id not in kept:
            return ""
        return found.get(node.id) or found.setdefault(node.id, fresh(f"{node.id}_array"))

    kept = [name for name in numbers if name.isidentifier()]
    if not kept:
        return [*statements], found
    mentioned = re.compile(rf"\b(?:{'|'.join(kept)})\b")
    changed = {name for line in _texts(statements) if mentioned.search(line) for name in _assigned(line)}
    kept = [name for name in kept if name not in changed]
    return _renamed(statements, types, np, mentioned, named), found


def _texts(statements: Sequence[Statement]) -> Iterator[str]:
    """All lines, as statements of their own."""
    for statement in statements:
        yield from statement.lines
        for block in statement.blocks:
            if not block.head.startswith(("el", "try", "except", "finally")):
                yield f"{block.head} pass"
            yield from _texts(block.statements)


def _assigned(line: str) -> Iterator[str]:
    """The variables that a line gives another value."""
    for node in ast.walk(ast.parse(line)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _renamed(
    statements: Sequence[Statement],
    types: Mapping[str, Type | None],
    np: str,
    looked_at: re.Pattern[str],
    named: Callable[[ast.expr], str],
) -> list[Statement]:
    """The statements with other names for some operands of arrays, in lines that match a pattern."""
    arrays = frozenset(name for name, type in types.items() if type is not None and type.rank)

    def line(text: str) -> str:
        return _line(text, arrays, np, named) if looked_at.search(text) else text

    def statement(old: Statement) -> Statement:
        blocks = tuple(Block(block.head, tuple(map(statement, block.statements))) for block in old.blocks)
        return replace(old, lines=tuple(map(line, old.lines)), blocks=blocks)

    return [*map(statement, statements)] if arrays else [*statements]


def _line(text: str, arrays: frozenset[str], np: str, named: Callable[[ast.expr], str]) -> str:
    source = text.encode()
    found = {
        (operand.col_offset, operand.end_col_offset): name
        for node in ast.walk(ast.parse(text))
        for operand in _met(node, arrays, np)
        if operand.lineno == operand.end_lineno == 1 and (name := named(operand))
    }
    for start, end in sorted(found, reverse=True):
        source = source[:start] + found[start, end].encode() + source[end:]
    return source.decode()


def _met(node: ast.AST, arrays: frozenset[str], np: str) -> Iterator[ast.expr]:
    """What a step on an array takes."""
    operands: Sequence[ast.expr] = ()
    if isinstance(node, ast.AugAssign) and isinstance(node.op, OPERATORS):
        operands = (node.target, node.value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, OPERATORS):
        operands = (node.left, node.right)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], COMPARED):
        operands = (node.left, *node.comparators)
    elif isinstance(node, ast.Call) and _is_step(node, np):
        operands = node.args
    has_array = any(isinstance(o, ast.Name) and o.id in arrays for o in operands)
    if has_array or isinstance(node, ast.Call):
        yield from operands


def _is_step(call: ast.Call, np: str) -> bool:
    """Whether a call puts into an array what NumPy computes element by element."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in CALLED:
        return False
    return is_module(function.value, np) and any(keyword.arg == "out" for keyword in call.keywords)


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is float
