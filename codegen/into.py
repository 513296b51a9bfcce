"""Expressions that make an array, written so that they put it into one that is given.

    x @ W                       ->     np.matmul(x, W, out=h)
    x.sum(axis=0)               ->     x.sum(axis=0, out=h)
    np.zeros((B, H))            ->     h.fill(0.0)

Only what gives the same elements either way has such a form.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import TypeGuard

import numpy as np
from autodiffc.compiler import special_error, special_gamma

from . import routines_blocks, routines_elementwise
from .copied import COPIED

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.MatMult: "matmul",
    ast.Mod: "remainder", ast.FloorDiv: "floor_divide", ast.Pow: "power",
    ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
}  # fmt: skip
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Gt: "greater", ast.GtE: "greater_equal", ast.Lt: "less", ast.LtE: "less_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip
UNARY: dict[type[ast.unaryop], str] = {ast.USub: "negative", ast.Invert: "invert"}
REDUCTIONS = frozenset({"sum", "mean", "max", "min", "prod"})
METHODS = REDUCTIONS | {"dot", "cumsum", "cumprod", "clip"}
FUNCTIONS = REDUCTIONS | {
    "dot", "outer", "concatenate", "stack", "clip", "cumsum", "cumprod", "einsum", "round",
}  # fmt: skip
STATEMENTS = frozenset({"empty", "zeros", "ones", "full", "copy", "astype", "eye"})
EMPTY = "_empty"  # np.empty, at hand
SOMETIMES = frozenset({"_columns"})  # may give an argument itself, else what is in given memory
# routines that may overwrite their first argument
IN_PLACE = frozenset({"_masked", "_nonnegative", "_divide_or_zero", "_shifted"})
ROOMY = frozenset({"_row_max"})  # wants more memory than its result has, which it gives a part of
ELEMENTWISE = frozenset(
    {m.__name__ for m in (routines_blocks, routines_elementwise, special_error, special_gamma)}
)  # modules of routines that work element by element
WHERE = "_where"  # the routine for np.where, which takes no memory
RESHAPED = "_copied"  # the routine for what `reshape` copies
GATHERED = "_gathered"  # the form of what a product would copy: elements that lie backwards
FILLED = "_filled"  # the routine for arrays of one number within a line
AS_IT_IS = ""  # the form of what its memory always holds
Render = Callable[[ast.expr], str]


@dataclass(frozen=True)
class Form:
    """How an expression is written into given memory: by a statement, or as a call with `out=`.

    `name` is the function; `operands` are there where operators become a call.
    """

    name: str
    operands: tuple[ast.expr, ...] = ()
    is_statement: bool = False


def form_of(node: ast.expr, np: str) -> Form | None:
    """The form of an expression, if it has one."""
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        if isinstance(node.op, ast.Pow) and _is_two(node.right):
            return Form("square", (node.left,))
        return Form(BINARY[type(node.op)], (node.left, node.right))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
        return Form(COMPARED[type(node.ops[0])], (node.left, node.comparators[0]))
    if isinstance(node, ast.UnaryOp) and type(node.op) in UNARY:
        return Form(UNARY[type(node.op)], (node.operand,))
    if isinstance(node, ast.Call) and not {"out", "dtype"} & {k.arg for k in node.keywords}:
        return _form_of_call(node, np)
    return None


def _form_of_call(node: ast.Call, np: str) -> Form | None:
    if isinstance(node.func, ast.Name):
        if node.func.id == EMPTY:
            return Form("empty", is_statement=True)
        name = node.func.id
        return Form(name) if takes_memory(name) or name in SOMETIMES else None
    if not isinstance(node.func, ast.Attribute):
        return None
    name = node.func.attr
    if is_module(node.func.value, np):
        if name == "where":
            return Form(WHERE)
        if name in STATEMENTS - {"copy", "astype"}:
            if name == "eye" and len(node.args) + len(node.keywords) > 1:
                return None
            return Form(name, is_statement=True)
        plain = is_ufunc(name) and len(node.args) == _ufunc(name).nin
        return Form(name) if plain or name in FUNCTIONS else None
    if name in ("copy", "astype"):
        return Form(name, is_statement=True)
    if name in METHODS:
        return Form(name) if given_memory(node, np) is None else None
    inner = node.func.value
    if name == "reduce" and isinstance(inner, ast.Attribute) and is_module(inner.value, np):
        return Form(f"{inner.attr}.reduce")
    return None


def operands_of(form: Form, node: ast.expr) -> Sequence[ast.expr]:
    """The operands of what works element by element, and may do so in their memory."""
    if form.name in IN_PLACE and isinstance(node, ast.Call):
        return node.args[:1]
    if not is_elementwise(form) and not is_in_blocks(form.name):
        return ()
    return form.operands or (node.args if isinstance(node, ast.Call) else ())


def takes_memory(name: str) -> bool:
    """Whether a routine's result, which is a new array, can be put into given memory."""
    return name in COPIED and name not in SOMETIMES and "out" in signature(COPIED[name]).parameters


@cache
def is_in_blocks(name: str) -> bool:
    """Whether a routine computes some thousand elements at a time, and is done with them when it stores."""
    routine = COPIED.get(name)
    if routine is None or routine.__module__ not in ELEMENTWISE:
        return False
    return "scratch" in signature(routine).parameters


def takes_scratch(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether it calls a routine that computes in memory which it keeps."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in computing()


@cache
def computing() -> frozenset[str]:
    """The names of such routines."""
    return frozenset(name for name, routine in COPIED.items() if "scratch" in signature(routine).parameters)


def gives_number(name: str) -> bool:
    """Whether a function gives a float."""
    return name == "float" or (name in COPIED and signature(COPIED[name]).return_annotation == "float")


def is_routine(node: ast.expr, name: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def given_memory(call: ast.Call, np: str) -> ast.expr | None:
    """What a call writes its result into: `out=…`, or the second argument of a method `dot`."""
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "dot" and not is_module(function.value, np):
        return call.args[1] if len(call.args) == 2 else None
    return next((k.value for k in call.keywords if k.arg == "out"), None)


def is_module(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def is_elementwise(form: Form) -> bool:
    """Whether it is one of NumPy's functions that work element by element."""
    return not form.is_statement and form.name != "matmul" and is_ufunc(form.name)


def is_elementwise_routine(name: str) -> bool:
    """Whether a routine works element by element, and its result can be put into given memory."""
    return takes_memory(name) and COPIED[name].__module__ in ELEMENTWISE


def is_ufunc(name: str) -> bool:
    """Whether NumPy's function of this name works element by element and gives one array."""
    return isinstance(getattr(np, name, None), np.ufunc) and _ufunc(name).nout == 1


def _ufunc(name: str) -> np.ufunc:
    found = getattr(np, name)
    assert isinstance(found, np.ufunc)
    return found


def _is_two(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 2


def call_into(form: Form, text: str, memory: str, np: str, render: Render) -> str:
    """The call that puts an expression's value into `memory`; `text` is its own if it is a call.

    A product of matrices is one to `dot`, which costs less than `@`, with given memory or without.
    """
    if form.name == AS_IT_IS:
        return memory
    if form.name == "dot" and form.operands:
        left, right = map(render, form.operands)
        return f"{left}.dot({right}, {memory})" if memory else f"{left}.dot({right})"
    if form.operands and form.name != FILLED:
        operands = ", ".join(map(render, form.operands))
        return f"{np}.{form.name}({operands}, out={memory})"
    if form.name == FILLED:
        value = render(form.operands[0]) if form.operands else str(float(".ones(" in text))
        return f"{FILLED}({value}, out={memory})"
    if form.name == RESHAPED:
        return f"{RESHAPED}({text.rpartition('.reshape(')[0]}, out={memory})"
    if form.name == GATHERED:
        return f"{np}.positive({text}, out={memory})"
    if form.name == WHERE:
        text = f"{WHERE}{text[text.index('(') :]}"
    separator = "" if text.endswith("()") else ", "
    return f"{text[:-1]}{separator}out={memory})"


def lines_into(form: Form, node: ast.expr, name: str, memory: str, np: str, render: Render) -> list[str]:
    """The statements that give a name to memory with a value in it, where a call alone would not do."""
    assert isinstance(node, ast.Call)
    given = [f"{name} = {memory}"] if name != memory else []
    if form.name == "empty":
        return given
    if form.name == "eye":
        return [*given, f"{name}.fill(0.0)", f"{np}.fill_diagonal({name}, 1.0)"]
    if form.name in ("zeros", "ones"):
        return [*given, f"{name}.fill({float(form.name == 'ones')})"]
    if form.name == "full":
        return [*given, f"{name}.fill({render(node.args[1])})"]
    assert isinstance(node.func, ast.Attribute)
    return [*given, f"{np}.copyto({name}, {render(node.func.value)})"]
