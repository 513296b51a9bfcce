"""Numbers that arrays meet, kept as arrays of rank 0 (-O2).

    np.multiply(2.0, r, out=d_r)     ->     np.multiply(_2, r, out=d_r)
    product *= -0.5                  ->     product *= _m0p5

NumPy turns a Python number into an array at each call, which takes as long as a hundred multiplications. Such
an array has a dtype that counts, as a number has not: so only in double precision.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    arrays = frozenset(name for name, type in types.items() if type is not None and type.rank)
    return [_statement(statement, arrays, np, ref) for statement in statements] if arrays else [*statements]


def _statement(statement: Statement, arrays: frozenset[str], np: str, ref: Callable[[str], str]) -> Statement:
    lines = tuple(_line(line, arrays, np, ref) if FLOAT.search(line) else line for line in statement.lines)
    blocks = tuple(
        Block(block.head, tuple(_statement(s, arrays, np, ref) for s in block.statements))
        for block in statement.blocks
    )
    return replace(statement, lines=lines, blocks=blocks)


def _line(text: str, arrays: frozenset[str], np: str, ref: Callable[[str], str]) -> str:
    """A line with names for the numbers that meet arrays."""
    source = text.encode()
    found = {
        (number.col_offset, number.end_col_offset)
        for node in ast.walk(ast.parse(text))
        for number in _met(node, arrays, np)
        if number.lineno == number.end_lineno == 1
    }
    for start, end in sorted(found, reverse=True):
        name = ref(name_of(repr(ast.literal_eval(source[start:end].decode()))))
        source = source[:start] + name.encode() + source[end:]
    return source.decode()


def _met(node: ast.AST, arrays: frozenset[str], np: str) -> Iterator[ast.expr]:
    """The numbers that a step on an array takes."""
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
        yield from filter(_is_number, operands)


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
