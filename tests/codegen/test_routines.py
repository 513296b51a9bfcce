"""The routines can be copied into a module: each needs nothing but what a module has."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autodiffc.codegen.copied import COPIED as SOURCES
from autodiffc.codegen.copied import source_of
from autodiffc.codegen.into import IN_PLACE
from autodiffc.codegen.routines import MODULES, ROUTINES

COPIED = {
    "Iterable",
    "Iterator",
    "Sequence",
    "Colouring",
    "Sparse",
    "Workspace",
    "AbstractContextManager",
    "Context",
    "copy_context",
    "partial",
    "_1",
    "_IDLE",
    "_ONES",
    "_QUIET",
    "_SPACES",
}  # into modules with routines that name them
AVAILABLE = {"Any", "Callable", "np", "math", "ndarray", "_REAL", *COPIED, *dir(builtins)}

every_routine = pytest.mark.parametrize("name", sorted(ROUTINES))


def tree_of(function: Callable[..., Any]) -> ast.FunctionDef:
    node = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


@every_routine
def test_a_routine_uses_only_what_a_module_has(name: str) -> None:
    tree = tree_of(ROUTINES[name])
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    own = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    own |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
    own |= {a.name for a in ast.walk(tree) if isinstance(a, (ast.alias, ast.ClassDef, ast.FunctionDef))}
    used = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    assert used <= AVAILABLE | own | set(ROUTINES)


@every_routine
def test_a_routine_is_named_as_the_emitter_looks_it_up_and_documented(name: str) -> None:
    assert ROUTINES[name].__name__ == name
    assert (ROUTINES[name].__doc__ or "").strip().endswith(".")
    signature = inspect.signature(ROUTINES[name])
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_routine_s_lines_are_short(name: str) -> None:
    """As are those of the modules it is copied into; a head or a docstring of one line may be longer."""
    lines = source_of(name).split("\n")
    assert [x for x in lines if len(x) > 100 and not x.lstrip().startswith(("def ", '"""'))] == []


def test_a_routine_s_name_is_its_own() -> None:
    """A module that has two of them would call one with the other's arguments."""
    places: dict[str, set[str]] = {}
    for module in MODULES:
        for name, function in vars(module).items():
            if inspect.isfunction(function) and name.startswith("_"):
                places.setdefault(name, set()).add(function.__module__)
    assert not {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.parametrize("name", sorted(IN_PLACE))
def test_a_routine_may_overwrite_its_first_argument(name: str) -> None:
    edges = np.array([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 3.0])
    routine = SOURCES[name]
    for last in (edges, edges[::-1], np.zeros(8), np.full(8, np.inf), np.full(8, 3.0)):
        names = list(inspect.signature(routine).parameters)
        more = [last.copy() for _ in names[1 : names.index("out")]]
        x = edges.copy()
        with np.errstate(all="ignore"):
            expected = routine(edges.copy(), *more)
            assert routine(x, *more, out=x) is x
        np.testing.assert_array_equal(x, expected)
