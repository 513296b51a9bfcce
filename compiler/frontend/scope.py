"""Names and what they mean, in the order in which a file defines them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from autodiffc.grammar import ast
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from .. import ir
from .values import Value
from .variables import Variable

_CONSTANTS: dict[str, Value] = {
    "pi": ir.const(float(np.pi)),
    "e": ir.const(float(np.e)),
    "inf": ir.const(float("inf")),
    "nan": ir.const(float("nan")),
    "true": ir.const(True),
    "false": ir.const(False),
    "None": None,
}
KEYWORD_CONSTANTS = frozenset({"true", "false", "None"})


@record(frozen=True, eq=False)
class Binding:
    """A defined name: what it means, where it was defined, the how-manieth definition it was."""

    value: Value
    span: Span
    order: int


@record(frozen=True, eq=False)
class OwnAdjoint:
    """The adjoint that a function brings, and the first definition of the file that it cannot see."""

    definition: ast.AdjointDef
    horizon: int


@record(frozen=True, eq=False)
class Gone:
    """A name that has no value here: where it gets one, and why that does not reach here."""

    span: Span
    why: str
    help: str


@record(frozen=True, eq=False)
class Function:
    """A function of the model or of a library: its definition and what it can see."""

    definition: ast.FuncDef
    scope: Scope
    order: int
    horizon: int | None  # of what it sees in its scope; a library's functions see all of their module
    adjoint: OwnAdjoint | None = None


@dataclass(eq=False)
class Scope:
    """The names of a file, or of a call of a function (whose parent is the file)."""

    parent: Scope | None = None
    horizon: int | None = None  # definitions of the parent from this one on cannot be seen
    values: dict[str, Binding] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    count: int = 0
    depth: int = 0  # of the loops and branches that are being evaluated
    fixed: dict[str, str] = field(default_factory=dict)  # names that keep their value, and what they are
    gone: dict[str, Gone] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def define(self, name: str, value: Value, span: Span) -> None:
        self.values[name] = Binding(value, span, self.count)
        self.gone.pop(name, None)
        self.count += 1

    def rebind(self, name: str, value: Value, span: Span) -> None:
        """Another value for a name; what sees the old one sees the new one."""
        self.values[name] = Binding(value, span, self.values[name].order)

    @contextmanager
    def block(self) -> Iterator[None]:
        """A loop's body or a branch: what it defines and changes is undone after it."""
        values, gone, fixed = dict(self.values), dict(self.gone), dict(self.fixed)
        variables = dict(self.variables)
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.values, self.gone, self.fixed, self.variables = values, gone, fixed, variables

    def define_function(self, definition: ast.FuncDef, scope: Scope | None = None) -> None:
        horizon = self.count if scope is None else None
        self.functions[definition.name.id] = Function(definition, scope or self, self.count, horizon)
        self.count += 1

    def find(self, name: str) -> Binding | None:
        """The binding of a name that can be seen from here."""
        found = self.values.get(name)
        if found is None and self.parent is not None and name not in self.gone:
            found = self.parent.values.get(name)
            if found is not None and self.horizon is not None and found.order >= self.horizon:
                return None
        return found

    def find_variable(self, name: str) -> Variable | None:
        """The `var` of a name, where that can be seen from here."""
        scope = self if name in self.values else self.parent
        return scope.variables.get(name) if scope is not None and self.find(name) is not None else None

    def constant(self, name: str) -> tuple[bool, Value]:
        """Whether the name is a constant of the language, and its value."""
        known = name in _CONSTANTS and name not in self.gone
        return known, _CONSTANTS[name] if known else None

    def find_function(self, name: str) -> Function | None:
        found = self.functions.get(name)
        if found is None and self.parent is not None:
            found = self.parent.functions.get(name)
            if found is not None and self.horizon is not None and found.order > self.horizon:
                return None
        return found

    def visible_names(self) -> Iterator[str]:
        yield from self.values
        if self.parent is not None:
            yield from self.parent.visible_names()
        else:
            yield from _CONSTANTS

    def visible_functions(self) -> Iterator[str]:
        yield from self.functions
        if self.parent is not None:
            yield from self.parent.visible_functions()


Sizes = Mapping[str, int]
