"""The expressions of a function that make arrays of known types: what could be written into given memory.

    h = x @ W + b        two sites: x @ W, and the sum, which is h's

A site is of no use to a buffer while what it gave last time is still read, as in `h = tanh(h @ U)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import INT, REAL, Type
from autodiffc.grammar.records import record

from .flow import Flow
from .into import FILLED, GATHERED, RESHAPED, ROOMY, Form, form_of, is_routine
from .orders import Orders
from .trees import children

ELEMENTARY = frozenset({
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
    "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "hypot", "erf", "erfc", "gamma", "lgamma",
    "fabs",
})  # fmt: skip
ATOMS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)  # what needs no brackets before a dot


@record(frozen=True, eq=False)
class Site:
    """An expression on a line, its type and form.

    `target` is the variable that it is assigned to, `place` the part of an array that it is stored in,
    `order` that of its axes in memory, where it is another one.
    """

    node: ast.expr
    position: int
    type: Type
    form: Form
    target: str = ""
    place: ast.Subscript | None = None
    order: tuple[int, ...] = ()


class Sites(Orders):
    """Finds the sites of a function; `types` are those of its names, as far as they have but one.

    `sizes` are dims, by the names that they have. With `any_order` also those of which it isn't known in
    what order NumPy would lay the axes.
    """

    def __init__(
        self,
        flow: Flow,
        types: Mapping[str, Type],
        np: str,
        sizes: Mapping[str, str] = {},
        any_order: bool = False,
    ):
        super().__init__(flow, types, np, sizes)
        self.any_order = any_order

    def found(self) -> list[Site]:
        """All sites, line by line, inner ones before those around them."""
        sites: list[Site] = []
        for position, line in enumerate(self.flow.lines):
            self._position = position
            for tree in line.trees if "\n" not in line.text else ():
                if isinstance(tree, ast.For) and isinstance(tree.target, ast.Name):
                    self.types.setdefault(tree.target.id, INT)
                if not isinstance(tree, (ast.If, ast.While, ast.For, ast.Raise)):
                    sites.extend(self._on_line(tree, position))
        return sites

    def _on_line(self, tree: ast.stmt, position: int) -> Iterator[Site]:
        target, value = "", None
        place = self._place(tree)
        self._note_parts(tree)
        self.note_kept(tree)
        if isinstance(tree, ast.Assign) and len(tree.targets) == 1:
            value = tree.value
            target = tree.targets[0].id if isinstance(tree.targets[0], ast.Name) else ""
        for node in _expressions(tree):
            top = node is value and bool(target)
            found = self._type_of_target(target, node) if top else None
            form = form_of(node, self.np)
            if form is None and place is None and self._is_copied(node):
                form = Form(RESHAPED)
            order = self._order(node)
            if order != () and (known := found or self.type_of(node)) is not None and known.rank < 2:
                order = ()
            kept = order == () or (order is not None and form is not None and self._keeps(form, node))
            if top and order != () and (kept or form is None or not self.any_order):
                self._orders[target] = order  # else it is put into memory by rows
            turned = not kept and not self.any_order
            order = order if kept else ()
            form = form if form is None or top else _as_call(form, node)
            if form is not None and form.name == FILLED and not self._is_filled(form):
                continue
            if form is None or (turned and not place) or (form.is_statement and not top):
                continue
            found = found or self.type_of(node)  # of this one, where its variable has others too
            if found is not None and found.rank and (not turned or node is value):
                fits = found.kind == "real" and form.name not in ROOMY
                own = place if node is value and fits else None
                tile = TILE in found.shape[:-1]
                form = self.as_dot(node, form) if own is None and not tile else form
                order = (order or ()) if own is None else ()
                if tile and is_routine(node, "_rows"):
                    order = tuple(range(found.rank))  # rows that are copied as they lie
                memory = self._memory(node, found)
                order = order if len(order) in (0, found.rank) or not self.any_order else ()
                if memory is None or (order and len(order) != found.rank):
                    continue
                yield from self._gathered(form, position) if form.name == "dot" else ()
                yield Site(node, position, memory, form, target if top else "", own, order)

    def _gathered(self, form: Form, position: int) -> Iterator[Site]:
        """The operands of a product that would copy them, as their elements lie backwards."""
        for node in form.operands:
            found = self.type_of(node)
            if found is not None and found.kind == "real" and self._is_backwards(node):
                yield Site(node, position, found, Form(GATHERED))

    def _note_parts(self, tree: ast.stmt) -> None:
        """The types of what a line gives several names: `before, after = h_all[:-1], h_all[1:]`."""
        if isinstance(tree, ast.Assign) and isinstance(tree.value, ast.Tuple):
            names = tree.targets[0].elts if isinstance(tree.targets[0], ast.Tuple) else []
            for name, value in zip(names, tree.value.elts):
                if isinstance(name, ast.Name):
                    self._type_of_target(name.id, value)

    def _memory(self, node: ast.expr, found: Type) -> Type | None:
        """What an expression is computed in, if known: beside the largest of rows is room for columns."""
        if not is_routine(node, "_row_max"):
            return found
        whole = self.type_of(node.args[0])
        return whole and whole.with_shape((whole.shape[-1] + 1, *whole.shape[:-1]))

    def _is_filled(self, form: Form) -> bool:
        """Whether an array is made of a real number."""
        return all(self.type_of(value) == REAL or _is_math(value) for value in form.operands)

    def as_dot(self, node: ast.expr, form: Form) -> Form:
        """A product of matrices or vectors, where that is known, by `dot`, which wants memory by rows.

        It costs less to call than `@`, but copies matrices that are parts of others.
        """
        if form.name != "matmul" or not isinstance(node, ast.BinOp) or not isinstance(node.left, ATOMS):
            return form
        if self._is_cut(node.left) or self._is_cut(node.right):
            return form
        ranks = self._rank(node.left), self._rank(node.right)
        return Form("dot", form.operands) if set(ranks) <= {1, 2} else form

    def _place(self, tree: ast.stmt) -> ast.Subscript | None:
        """The part of an array of reals that a line stores a value in: `hs[t] = …`."""
        if not isinstance(tree, ast.Assign) or not isinstance(tree.targets[0], ast.Subscript):
            return None
        place = tree.targets[0]
        whole = self.type_of(place.value)
        parts = place.slice.elts if isinstance(place.slice, ast.Tuple) else [place.slice]
        plain = all(isinstance(part, ast.Slice) or self._is_plain(part) for part in parts)
        return place if plain and whole is not None and whole.rank and whole.kind == "real" else None

    def _is_plain(self, index: ast.expr) -> bool:
        """Whether an index picks a part that is no copy."""
        return self.type_of(index) == INT or (isinstance(index, ast.Constant) and index.value is ...)


def _is_math(node: ast.expr) -> bool:
    """Whether it calls a function on numbers that gives a float: math.exp(t)."""
    function = node.func if isinstance(node, ast.Call) else None
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    return function.value.id.endswith("math") and function.attr in ELEMENTARY


def _as_call(form: Form, node: ast.expr) -> Form:
    """The form within a line of what has statements elsewhere, if it has one."""
    if form.name in ("zeros", "ones", "full") and isinstance(node, ast.Call):
        return Form(FILLED, tuple(node.args[1:2]) if form.name == "full" else ())
    if form.name == "copy" and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return Form("positive", (node.func.value,))
    return form


def _expressions(tree: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement that are always evaluated, inner ones first."""
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, seen = stack.pop()
        if seen:
            if isinstance(node, ast.expr):
                yield node
        elif not isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.Lambda)):
            stack.append((node, True))
            stack.extend((child, False) for child in children(node))
