"""A look through a function for values that could be made in other memory than their own.

    gate = np.tanh(z)        made on the first line, up to the second, where it is
    gates[t] = gate          stored; `changes` are the lines that take the place of these

Whether that may be, is told by who reads and changes the memory, as far as the text shows.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import INT, Dim, Type

from .aliases import SCALARS, Aliases
from .blocks import Block, Statement
from .buffers import is_new
from .copied import COPIED
from .flow import READ, flow_of, name_of
from .into import ROOMY, Form, call_into, form_of, is_module
from .sites import Sites
from .trees import walk

Text = Callable[[Dim], str]


MOST = 100  # variables of one memory


@dataclass
class Made:
    """Where a variable is given its value, up to where it is stored."""

    variable: str
    start: int
    end: int
    node: ast.expr
    form: Form
    type: Type

    @property
    def name(self) -> str:
        return name_of(self.variable)


@dataclass
class Search(ABC):
    """One look through a function; `changes` are the lines that take the place of others."""

    statements: Sequence[Statement]
    last: str
    types: Mapping[str, Type]
    np: str
    dim: Text
    empty: Callable[[Type], str]
    sizes: Mapping[str, str] = field(default_factory=dict)
    changes: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flow = flow_of(self.statements, self.last)
        self.sites = Sites(self.flow, self.types, self.np, self.sizes)
        aliases = Aliases(self.np, self.types, is_new, self.flow.variable)
        for position, line in enumerate(self.flow.lines):
            for tree in line.trees:
                aliases.read(tree, position)
        self.aliases, self.classes, self.returned = aliases, aliases.classes, aliases.returned
        self.members = self.classes.members()
        self.changed: dict[str, list[int]] = {}  # the lines that write into a variable's memory
        for position, line in enumerate(self.flow.lines):
            for tree in line.trees:
                if isinstance(tree, ast.For) and isinstance(tree.target, ast.Name):
                    self.sites.types.setdefault(tree.target.id, INT)
            for name in {name for tree in line.trees for name in _changed(tree)}:
                self.changed.setdefault(self.flow.variable(name, position), []).append(position)

    def result(self) -> Sequence[Statement]:
        for position, line in enumerate(self.flow.lines):
            if len(line.trees) == 1 and isinstance(line.trees[0], ast.Assign):
                self.look(line.trees[0], position)
        return _edited(self.statements, self.changes) if self.changes else self.statements

    @abstractmethod
    def look(self, tree: ast.Assign, position: int) -> None:
        """Change what an assignment and those around it say, if it is one to change."""

    # --- what is asked ------------------------------------------------------------------------------

    def family(self, variable: str) -> set[str]:
        """The variables that may share memory with this one."""
        return self.aliases.family(variable)

    def is_large(self, variable: str) -> bool:
        """Whether too many variables may share its memory to look at them all."""
        return len(self.members.get(self.classes.of(variable), ())) > MOST

    def assigned(self, variable: str, before: int) -> int | None:
        """The line that gave a variable its array, if it stands in the same block as a later line."""
        blocks = self.flow.lines[before].blocks
        events = self.flow.events.get(variable, ())
        for position, kind, where in reversed(events[: bisect_left(events, (before,))]):
            if kind == READ:
                continue
            if where != blocks:
                return None
            if isinstance(self.flow.lines[position].trees[0], ast.Assign):
                return position
        return None

    def made(self, name: str, end: int) -> Made | None:
        """How the array that a variable holds at a line is made, if it could be made elsewhere."""
        variable = self.flow.variable(name, end)
        start = self.assigned(variable, end)
        if start is None or start in self.changes:
            return None
        tree = self.flow.lines[start].trees[0]
        assert isinstance(tree, ast.Assign)
        type = self.types.get(name) or self.sites.type_of(tree.value)
        if type is None or not type.rank or type.kind != "real":
            return None
        if TILE in type.shape or self.classes.of(variable) in self.returned or self.is_large(variable):
            return None
        form = form_of(tree.value, self.np)
        plain = len(tree.targets) == 1 and isinstance(tree.targets[0], ast.Name)
        if form is None or not plain or form.name in ROOMY or (form.is_statement and form.name != "empty"):
            return None
        return Made(variable, start, end, tree.value, form, type)

    def is_spent(self, made: Made) -> bool:
        """Whether nothing that may share its memory is read outside of these lines."""
        if self.is_carried(made):
            return False
        inside = range(made.start, made.end + 1)
        return all(p in inside for name in self._holders(made) for p, _, _ in self.flow.events.get(name, ()))

    def is_carried(self, made: Made) -> bool:
        """Whether a step of a loop around reads what the variable holds after the one before."""
        return any(self.flow.is_live(made.variable, loop) for loop in self.flow.lines[made.start].loops)

    def is_kept(self, made: Made) -> bool:
        """Whether nothing changes the value after it is stored."""
        return not any(
            self._may_change(made, name, position)
            for name in self._holders(made)
            for position in self.changed.get(name, ())
        )

    def _holders(self, made: Made) -> set[str]:
        """The variables that may show what is made there, and that which it is given to."""
        return {made.variable, *self.aliases.holders(made.node)}

    def _may_change(self, made: Made, name: str, position: int) -> bool:
        if made.start <= position <= made.end:
            return False
        start = self.assigned(name, position)  # another array, where that is new
        if start is None or start == made.start:
            return True
        tree = self.flow.lines[start].trees[0]
        return not isinstance(tree, ast.Assign) or form_of(tree.value, self.np) is None

    def is_untouched(self, names: Iterable[str], start: int, end: int) -> bool:
        """Whether no line from start on, before the end, has to do with these variables."""
        events = [self.flow.events.get(name, ()) for name in names]
        return all(bisect_left(found, (start,)) == bisect_left(found, (end,)) for found in events)

    # --- what is written ----------------------------------------------------------------------------

    def place(self, made: Made, memory: str, in_order: bool) -> None:
        """Have a value made in memory; `in_order`: it lies there as in an array of its own."""
        line, name = self.flow.lines[made.start].text, made.name
        if made.form.name == "empty":
            self.changes[made.start] = [f"{name} = {memory}"]
            return
        form = self.sites.as_dot(made.node, made.form) if in_order else made.form
        if form.name == "dot" and form.operands:
            left, right = (_source(line, operand) for operand in form.operands)
            call = f"{left}.dot({right}, out={memory})"
        else:
            call = call_into(form, line.partition(" = ")[2], memory, self.np, partial(_source, line))
        self.changes[made.start] = [f"{name} = {call}"]


def _source(line: str, node: ast.expr) -> str:
    """The text of an expression on a line."""
    return str(ast.get_source_segment(line, node))


def is_call(node: ast.expr, np: str, *names: str) -> bool:
    """Whether it calls one of these functions of NumPy's."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in names and is_module(node.func.value, np)


def _changed(tree: ast.stmt) -> Iterator[str]:
    """The variables whose memory a line may write into; what is called for its effect may write anywhere."""
    if isinstance(tree, ast.Expr):
        yield from (node.id for node in walk(tree) if isinstance(node, ast.Name))
    if isinstance(tree, ast.AugAssign):
        yield from _roots(tree.target)
    if isinstance(tree, ast.Assign):
        yield from (name for target in tree.targets for name in _stored(target))
    for node in walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "out":
            yield from _roots(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not is_known(node.func.id):
            yield from (name for argument in node.args for name in _roots(argument))


def is_known(function: str) -> bool:
    """Whether it is one of Python's or a routine, which leave their arguments as they are."""
    return function in COPIED or function in SCALARS


def _stored(target: ast.expr) -> Iterator[str]:
    """The variables of which an assignment changes a part."""
    if isinstance(target, ast.Tuple):
        yield from (name for part in target.elts for name in _stored(part))
    elif not isinstance(target, ast.Name):
        yield from _roots(target)


def _roots(node: ast.expr) -> Iterator[str]:
    return (inner.id for inner in walk(node) if isinstance(inner, ast.Name))


def _edited(statements: Sequence[Statement], changes: Mapping[int, list[str]]) -> list[Statement]:
    """The statements with other lines at some positions."""
    counted = iter(range(10**9))

    def edited(statement: Statement) -> Statement:
        lines = tuple(new for line in statement.lines for new in changes.get(next(counted), [line]))
        return replace(statement, lines=lines, blocks=tuple(map(inner, statement.blocks)))

    def inner(block: Block) -> Block:
        next(counted)
        return replace(block, statements=tuple(map(edited, block.statements)))

    return list(map(edited, statements))
