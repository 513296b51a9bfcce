"""Functions of the compiler that are copied into emitted modules, with all that they call.

>>> [name for name in needed({"_real"})]
['_expected', '_array', '_real']
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from . import guards, initial
from .routines import ROUTINES
from .trees import walk


def _functions() -> dict[str, Callable[..., Any]]:
    own = {
        name: function
        for module in (guards, initial)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__
    }
    return {**own, **ROUTINES}


COPIED = _functions()


@cache
def source_of(name: str) -> str:
    """The source of a function, as it is copied."""
    return inspect.getsource(COPIED[name]).rstrip("\n").replace("  # fmt: skip", "")


@cache
def _tree(name: str) -> ast.FunctionDef:
    function = ast.parse(source_of(name)).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function


@cache
def globals_of(name: str) -> tuple[str, ...]:
    """The global names that a function refers to in code that runs, in the order of their first use."""
    function = _tree(name)
    inside = {a.arg for a in walk(function) if isinstance(a, ast.arg)}
    defaults = [d for d in [*function.args.defaults, *function.args.kw_defaults] if d is not None]
    found: dict[str, None] = {}
    for root in [*function.body, *defaults]:
        for node in walk(root):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                inside.add(node.id)
    for root in [*function.decorator_list, *function.body, *defaults]:
        for node in walk(root):
            if isinstance(node, ast.Name) and node.id not in inside:
                found[node.id] = None
    return tuple(found)


@cache
def annotations_of(name: str) -> frozenset[str]:
    """The names in a function's annotations, which type checkers want imported."""
    function = _tree(name)
    roots = [a.annotation for a in walk(function) if isinstance(a, (ast.arg, ast.AnnAssign)) and a.annotation]
    roots += [function.returns] if function.returns else []
    return frozenset(n.id for root in roots for n in walk(root) if isinstance(n, ast.Name))


def needed(names: Iterable[str]) -> list[str]:
    """The copied functions among the names and what they call, each after those that it calls."""
    order: dict[str, None] = {}
    begun: set[str] = set()  # functions may call each other

    def visit(name: str) -> None:
        if name in begun or name not in COPIED:
            return
        begun.add(name)
        for other in globals_of(name):
            visit(other)
        order[name] = None

    for name in sorted(names):
        visit(name)
    return list(order)
