"""Values that are made where they are kept (-O2): a row of a stack, a part of an array that others join.

    gate = np.tanh(z)                        gate = np.tanh(z, out=gates[t])
    gates[t] = gate                    ->

    d_i = d * g                              d_z = np.empty(2 * H)
    d_f = d * c                        ->    d_i = np.multiply(d, g, out=d_z[:H])
    d_z = np.concatenate((d_i, d_f))         d_f = np.multiply(d, c, out=d_z[H:])

From then on the variable shows that memory. So it must be spent there, or nothing may change either: the
value that the one holds is that of the other as long as both are read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence

from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import Dim, Type

from .blocks import Statement
from .flow import WRITE, name_of
from .making import Made, Search, Text, is_call


def placed(
    statements: Sequence[Statement],
    last: str,
    types: Mapping[str, Type],
    np: str,
    dim: Text,
    empty: Callable[[Type], str],
    sizes: Mapping[str, str] = {},
) -> list[Statement]:
    """The statements with such values in their places; `dim` writes a size, `empty` makes an array.

    `sizes` are dims, by the variables for them.
    """
    for search, sign in ((_Joined, _joins), (_Rows, _stacks)):
        if any(map(sign, statements)):
            statements = search(statements, last, types, np, dim, empty, sizes).result()
    return list(statements)


def _stacks(statement: Statement) -> bool:
    return any(block.head.startswith("for ") for block in statement.blocks)


def _joins(statement: Statement) -> bool:
    """Whether it, or what stands under it, joins arrays."""
    waiting = [statement]
    while waiting:
        inner = waiting.pop()
        if any("concatenate(" in line or "stack(" in line for line in inner.lines):
            return True
        waiting.extend(s for block in inner.blocks for s in block.statements)
    return False


class _Rows(Search):
    """`gates[t] = gate`"""

    def look(self, tree: ast.Assign, position: int) -> None:
        target, value = tree.targets[0], tree.value
        if not isinstance(target, ast.Subscript) or not isinstance(value, ast.Name):
            return
        stack, numbers = target.value, _summed(target.slice)
        if not isinstance(stack, ast.Name) or not numbers:
            return
        made = self.made(value.id, position)
        name, *steps = (self.flow.variable(n, position) for n in (stack.id, *numbers))
        if made is None or self.sites.type_of(target) != made.type or self.is_large(name):
            return
        first = self._first(name, made) if self.is_carried(made) else None
        if not self._is_there(name, steps, made):
            return
        if not self.is_spent(made) and not self._shows_row(name, steps, made, first):
            return
        self.place(made, ast.unparse(target), True)
        self.changes[position] = []
        if first is not None:
            line = self.flow.lines[first].text
            self.changes[first] = [line, f"{made.name} = {line.partition(' = ')[0]}"]

    def _shows_row(self, stack: str, numbers: Sequence[str], made: Made, first: int | None) -> bool:
        """Whether the variable may show a row as long as it is read: in the next step, that of this one."""
        alone = self.is_kept(made) and self._is_own_row(stack, numbers, made)
        return alone and (first is not None or not self.is_carried(made))

    def _first(self, stack: str, made: Made) -> int | None:
        """The line that stores what the variable holds before the first step, in the row before all others.

        h_all[0] = h
        h_before, hs = h_all[:-1], h_all[1:]
        """
        tree = self._made_by(stack)
        if (
            tree is None
            or not isinstance(tree.targets[0], ast.Tuple)
            or not isinstance(tree.value, ast.Tuple)
        ):
            return None
        names, parts = tree.targets[0].elts, list(map(ast.unparse, tree.value.elts))
        whole = parts[-1].removesuffix("[1:]")
        if parts != [f"{whole}[:-1]", f"{whole}[1:]"] or ast.unparse(names[-1]) != name_of(stack):
            return None
        found = [
            position
            for name in self.family(stack)
            for position in self.changed.get(name, ())
            if position < self.flow.lines[made.start].loops[-1]
        ]
        stored = [self.flow.lines[position].text for position in found]
        return found[0] if stored == [f"{whole}[0] = {made.name}"] else None

    def _made_by(self, stack: str) -> ast.Assign | None:
        """The line that makes a variable, if there is but one."""
        writes = [p for p, kind, _ in self.flow.events[stack] if kind == WRITE]
        trees = [tree for p in writes for tree in self.flow.lines[p].trees]
        return trees[0] if len(trees) == 1 and isinstance(trees[0], ast.Assign) else None

    def _is_there(self, stack: str, numbers: Sequence[str], made: Made) -> bool:
        """Whether the row is the same place where the value is made, and not read until it is stored."""
        writes = [p for n in (stack, *numbers) for p, kind, _ in self.flow.events[n] if kind == WRITE]
        early = all(p < made.start or p > made.end for p in writes) and any(p < made.start for p in writes)
        family = [name for name in self.family(stack) if name != made.variable]
        return early and self._is_new(stack) and self.is_untouched(family, made.start, made.end)

    def _is_new(self, stack: str) -> bool:
        """Whether an array was made for the stack, in the order of its axes."""
        tree = self._made_by(stack)
        if tree is None:
            return False
        if isinstance(tree.targets[0], ast.Tuple):  # parts of one array
            parts = tree.value.elts if isinstance(tree.value, ast.Tuple) else [tree.value]
            return all(isinstance(p, ast.Subscript) and self._is_made(p.value) for p in parts)
        if isinstance(tree.value, ast.Subscript):  # a row of what an outer loop stacks
            return self._is_made(tree.value.value)
        return is_call(tree.value, self.np, "empty")

    def _is_made(self, node: ast.expr) -> bool:
        tree = self._made_by(node.id) if isinstance(node, ast.Name) and node.id in self.flow.events else None
        return tree is not None and is_call(tree.value, self.np, "empty")

    def _is_own_row(self, stack: str, numbers: Sequence[str], made: Made) -> bool:
        """Whether each step has a row of its own, which is written once."""
        loops = self.flow.lines[made.start].loops
        if not loops:
            return False
        (head,) = self.flow.lines[loops[-1]].trees
        inside = range(loops[-1], self.flow.loops[loops[-1]].end + 1)
        changing = [n for n in numbers for p, kind, _ in self.flow.events[n] if kind == WRITE and p in inside]
        counted = (
            isinstance(head, ast.For)
            and isinstance(head.target, ast.Name)
            and [head.target.id] == list(map(name_of, changing))
        )
        begins = [self.flow.lines[p].loops for p, kind, _ in self.flow.events[stack] if kind == WRITE]
        written = {p for name in self.family(stack) for p in self.changed.get(name, ()) if p >= loops[-1]}
        return counted and begins == [loops[:-1]] and written == {made.end}


def _summed(index: ast.expr) -> list[str]:
    """The variables of a sum or a difference, `t - first`, each of which stands there once; or of none."""
    terms = [index]
    while isinstance(terms[-1], ast.BinOp) and isinstance(terms[-1].op, (ast.Add, ast.Sub)):
        terms[-1:] = [terms[-1].right, terms[-1].left]
    names = [term.id for term in terms if isinstance(term, ast.Name)]
    plain = all(isinstance(term, (ast.Name, ast.Constant)) for term in terms)
    return names if plain and len({*names}) == len(names) else []


class _Joined(Search):
    """`d_z = np.concatenate((d_i, d_f))`: along the first axis, so that each part is in one piece."""

    def look(self, tree: ast.Assign, position: int) -> None:
        target, value = tree.targets[0], tree.value
        names = _joined(value, self.np)
        type = self.types.get(target.id) if isinstance(target, ast.Name) else None
        if not names or type is None or type.kind != "real" or TILE in type.shape:
            return
        if any(map(is_local, type.shape)):
            return
        assert isinstance(target, ast.Name)
        parts = [self._part(name, position) for name in names]
        found = [part for part in parts if part is not None]
        if 2 * len(found) < len(parts) or any(name not in self.types for name in names):
            return
        start = min(part.start for part in found)
        if not self._may_join(self.flow.variable(target.id, position), names, found, range(start, position)):
            return
        left = []
        for name, part, place in zip(
            names, parts, self._places(names, type, is_call(value, self.np, "stack"))
        ):
            if part is None:
                left.append(f"{target.id}[{place}] = {name}")
            else:
                self.place(part, f"{target.id}[{place}]", True)
        self.changes[start] = [f"{target.id} = {self.empty(type)}", *self.changes[start]]
        self.changes[position] = left

    def _part(self, name: str, end: int) -> Made | None:
        made = self.made(name, end)
        return made if made is not None and made.form.name != "empty" else None

    def _may_join(self, variable: str, names: Sequence[str], parts: Sequence[Made], lines: range) -> bool:
        """Whether the whole may begin with the first part, and all parts show it from then on."""
        family = {name for name in self.family(variable) if name_of(name) not in names}
        family |= {
            n for line in lines for n in self.flow.lines[line].names if name_of(n) == name_of(variable)
        }
        if not self.is_untouched(family, lines.start, lines.stop):
            return False
        if all(map(self.is_spent, parts)):
            return True
        return not self.changed.get(variable) and all(map(self.is_kept, parts))

    def _places(self, names: Sequence[str], whole: Type, stacked: bool) -> Iterator[str]:
        """The indices of the parts."""
        at = Dim.of(0)
        for number, name in enumerate(names):
            if stacked:
                yield str(number)
                continue
            end = at + self.types[name].shape[0]
            yield f"{self.dim(at) if number else ''}:{self.dim(end) if end != whole.shape[0] else ''}"
            at = end


def _joined(node: ast.expr, np: str) -> list[str]:
    """The variables that are joined along their first axis, if they are different ones."""
    if not is_call(node, np, "concatenate", "stack"):
        return []
    assert isinstance(node, ast.Call)
    first = [k for k in node.keywords if k.arg == "axis" and getattr(k.value, "value", None) == 0]
    if len(node.args) != 1 or first != node.keywords or not isinstance(node.args[0], ast.Tuple):
        return []
    names = [part.id for part in node.args[0].elts if isinstance(part, ast.Name)]
    return names if len(set(names)) == len(node.args[0].elts) else []
