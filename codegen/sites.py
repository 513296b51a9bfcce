"""The expressions of a function that make arrays of known types: what could be written into given memory.

    h = x @ W + b        two sites: x @ W, and the sum, which is h's

A site is of no use to a buffer while what it gave last time is still read, as in `h = tanh(h @ U)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import BOOL, INT, REAL, Dim, Type, TypeProblem, broadcast

from .flow import WRITE, Flow
from .into import (
    COMPARED,
    REDUCTIONS,
    ROOMY,
    SOMETIMES,
    Form,
    form_of,
    gives_number,
    is_elementwise,
    is_elementwise_routine,
    is_module,
    is_routine,
    is_ufunc,
    takes_memory,
)
from .subscripts import Order, dim_of, part_type, reordered
from .windowed import WINDOWED, windowed

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
PREDICATES = frozenset({"isfinite", "isnan", "isinf", "logical_and", "logical_or", "logical_not"})
ORDERED = frozenset({"reshape", "ravel", "copy", "dot", "matmul"})  # they give arrays in the order of axes
ATOMS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)  # what needs no brackets before a dot
ONES = Type("real", (Dim.symbol("~"),))  # of a size that agrees with that of a factor
TURNING = frozenset({"mT", "transpose", "moveaxis"})


@dataclass(frozen=True, eq=False)
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


class Sites:
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
        self.flow, self.np, self.sizes, self.any_order = flow, np, sizes, any_order
        self.types = dict(types)
        self._found: dict[str, Type] = {}  # of variables whose names have several types
        self._position = 0
        self._orders: dict[str, Order] = {}  # of variables whose axes are not in the order of their memory

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
        if isinstance(tree, ast.Assign) and len(tree.targets) == 1:
            value = tree.value
            target = tree.targets[0].id if isinstance(tree.targets[0], ast.Name) else ""
        for node in _expressions(tree):
            top = node is value and bool(target)
            found = self._type_of_target(target, node) if top else None
            form = form_of(node, self.np)
            order = self._order(node)
            if order != () and (known := found or self.type_of(node)) is not None and known.rank < 2:
                order = ()
            if top and order != ():
                self._orders[target] = order
            kept = order == () or (order is not None and form is not None and self._keeps(form, node))
            turned = not kept and not self.any_order
            order = order if kept else ()
            form = form if form is None or top else _as_call(form, node)
            if form is None or (turned and not place) or (form.is_statement and not top):
                continue
            found = found if top else self.type_of(node)
            if found is not None and found.rank and (not turned or node is value):
                fits = found.kind == "real" and form.name not in ROOMY
                own = place if node is value and fits else None
                tile = TILE in found.shape[:-1]
                form = self.as_dot(node, form) if own is None and not tile else form
                order = (order or ()) if own is None else ()
                if order and len(order) != found.rank:
                    continue
                yield Site(node, position, self._memory(node, found), form, target if top else "", own, order)

    def _note_parts(self, tree: ast.stmt) -> None:
        """The types of what a line gives several names: `before, after = h_all[:-1], h_all[1:]`."""
        if isinstance(tree, ast.Assign) and isinstance(tree.value, ast.Tuple):
            names = tree.targets[0].elts if isinstance(tree.targets[0], ast.Tuple) else []
            for name, value in zip(names, tree.value.elts):
                if isinstance(name, ast.Name):
                    self._type_of_target(name.id, value)

    def _memory(self, node: ast.expr, found: Type) -> Type:
        """What an expression is computed in: beside the largest of rows there is room for columns."""
        whole = self.type_of(node.args[0]) if is_routine(node, "_row_max") else None
        return found if whole is None else whole.with_shape((whole.shape[-1] + 1, *whole.shape[:-1]))

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

    def _is_cut(self, node: ast.expr) -> bool:
        """Whether it is a part of an array that has gaps in memory."""
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self._is_cut(node.value)
        if isinstance(node, ast.Name):
            variable = self.flow.variable(node.id, self._position)
            writes = [p for p, kind, _ in self.flow.events.get(variable, ()) if kind == WRITE]
            trees = self.flow.lines[writes[0]].trees if len(writes) == 1 else ()
            value = trees[0].value if trees and isinstance(trees[0], ast.Assign) else None
            return isinstance(value, ast.Subscript) and self._is_cut(value)
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
            return False
        parts = [
            part for part in node.slice.elts if not (isinstance(part, ast.Constant) and part.value is None)
        ]
        first = next((i for i, part in enumerate(parts) if isinstance(part, ast.Slice)), len(parts))
        return not all(isinstance(part, ast.Slice) and _is_whole(part) for part in parts[first + 1 :])

    def _rank(self, node: ast.expr) -> int | None:
        found = self.type_of(node)
        if found is not None:
            return found.rank
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self._rank(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            numbers = all(self.type_of(a) == INT or isinstance(a, (ast.Name, ast.BinOp)) for a in node.args)
            if node.func.attr == "reshape" and numbers:
                return len(node.args)
            if node.func.attr == "ravel" and not node.args:
                return 1
        return None

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

    def _keeps(self, form: Form, node: ast.expr) -> bool:
        """Whether memory in another order of axes is of use to an expression."""
        return is_elementwise(form) or is_elementwise_routine(form.name) or is_routine(node, "_fold")

    def _order(self, node: ast.expr) -> Order:
        """In which order NumPy lays the axes of an array: that of an operand that is transposed."""
        if isinstance(node, ast.Name):
            return self._orders.get(node.id, ())
        if isinstance(node, ast.Attribute):
            if node.attr == "T":
                rank = self._rank(node.value)
                return None if rank is None else reordered(self._order(node.value), range(rank)[::-1])
            return None if node.attr in TURNING else self._order(node.value)
        if isinstance(node, ast.Subscript):
            return self._order(node.value) and None
        if isinstance(node, ast.Call):
            return self._order_of_call(node)
        if isinstance(node, ast.BinOp):
            return () if isinstance(node.op, ast.MatMult) else self._common_order(node.left, node.right)
        if isinstance(node, ast.Compare):
            return self._common_order(node.left, *node.comparators)
        return self._order(node.operand) if isinstance(node, ast.UnaryOp) else ()

    def _order_of_call(self, node: ast.Call) -> Order:
        function = node.func
        if is_routine(node, "_times"):
            return ()
        if isinstance(function, ast.Name) and function.id in WINDOWED:
            axes = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else []
            return (1, 0, *range(2, 2 + len(axes))) if function.id == "_fold" else ()
        if isinstance(function, ast.Name) and is_elementwise_routine(function.id):
            return self._common_order(*node.args)
        if isinstance(function, ast.Attribute):
            if function.attr in ORDERED:
                return ()
            if function.attr == "swapaxes":
                return self._order_of_swapped(node, function.value)
            if is_module(function.value, self.np) and is_ufunc(function.attr):
                return self._common_order(*node.args)
        orders = [self._order(function), *map(self._order, node.args)]
        return () if all(order == () for order in orders) else None

    def _order_of_swapped(self, node: ast.Call, array: ast.expr) -> Order:
        rank = self._rank(array)
        a, b = map(_number, node.args)
        if rank is None or a is None or b is None:
            return None
        axes = list(range(rank))
        axes[a], axes[b] = axes[b], axes[a]
        return reordered(self._order(array), axes)

    def _common_order(self, *operands: ast.expr) -> Order:
        """The order of what is made of operands: plain where one of that shape is."""
        orders = [(operand, order) for operand in operands if (order := self._order(operand)) != ()]
        turned = [operand for operand, _ in orders]
        types = [self.type_of(operand) for operand in operands if operand not in turned]
        rank = max((t.rank for t in map(self.type_of, turned) if t is not None), default=0)
        plain = any(t is not None and t.rank >= max(rank, 2) and not _has_one(t) for t in types)
        if not turned or (rank and plain):
            return ()
        found = {order for _, order in orders}
        return found.pop() if len(found) == 1 else None

    # --- types -------------------------------------------------------------------------------------

    def _type_of_target(self, name: str, value: ast.expr) -> Type | None:
        """The type of a name's values; of this one, where the variable has no other."""
        if name in self.types:
            return self.types[name]
        variable = self.flow.variable(name, self._position)
        writes = [position for position, kind, _ in self.flow.events[variable] if kind == WRITE]
        updates = sum(isinstance(t, ast.AugAssign) for p in writes for t in self.flow.lines[p].trees)
        found = self.type_of(value) if len(writes) - updates == 1 else None
        if found is not None and (found.rank or not updates):
            self._found[variable] = found
        return found

    def type_of(self, node: ast.expr) -> Type | None:
        """The type of an expression, if the types of its parts tell."""
        try:
            return self._type_of(node)
        except TypeProblem:
            return None

    def _type_of(self, node: ast.expr) -> Type | None:
        if isinstance(node, ast.Name):
            found = self.types.get(node.id) or self._found.get(self.flow.variable(node.id, self._position))
            return found or (INT if node.id in self.sizes else None)
        if isinstance(node, ast.Constant):
            return {bool: BOOL, int: INT, float: REAL}.get(type(node.value))
        if isinstance(node, ast.UnaryOp):
            return self._type_of(node.operand)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return self._product(node.left, node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ARITHMETIC):
            types = [self._type_of(node.left), self._type_of(node.right)]  # once: expressions nest
            return _broadcast_type(types) or _number_type(node.op, types)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
            found = self._elementwise((node.left, node.comparators[0]), any_kind=True)
            return found and found.with_kind("bool")
        if isinstance(node, ast.Attribute) and node.attr == "T":
            found = self._type_of(node.value)
            return found and found.with_shape(found.shape[::-1])
        if isinstance(node, ast.Subscript):
            return self._element(node)
        return self._type_of_call(node) if isinstance(node, ast.Call) else None

    def _elementwise(self, nodes: tuple[ast.expr, ...], any_kind: bool = False) -> Type | None:
        """The real (or other) array that operands broadcast to."""
        return _broadcast_type([self._type_of(node) for node in nodes], any_kind)

    def _product(self, left: ast.expr, right: ast.expr) -> Type | None:
        a, b = self._type_of(left), self._type_of(right)
        if a is None or b is None or {a.kind, b.kind} != {"real"} or not (a.rank and b.rank):
            return None
        stack = broadcast(a.shape[:-2], b.shape[:-2])
        return Type("real", (*stack, *a.shape[:-1][-1:], *(b.shape[-1:] if b.rank > 1 else ())))

    def _element(self, node: ast.Subscript) -> Type | None:
        """A part of an array."""
        whole = self._type_of(node.value)
        return whole and part_type(whole, node.slice, self.sizes, lambda i: self._type_of(i) == INT)

    def _type_of_call(self, node: ast.Call) -> Type | None:
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in WINDOWED:
                return windowed(node, self.type_of, self.sizes)
            return self._type_of_routine(function.id, node.args)
        if not isinstance(function, ast.Attribute):
            return None
        if is_module(function.value, self.np):
            if function.attr == "outer":
                return self._outer(*node.args)
            if function.attr == "where":
                return self._where(*node.args)
            if not is_ufunc(function.attr) or function.attr in ("matmul", "vecdot"):
                return None
            found = self._elementwise(tuple(node.args), any_kind=function.attr in PREDICATES)
            return found and (found.with_kind("bool") if function.attr in PREDICATES else found)
        if function.attr == "tolist":
            return self._listed(function.value)
        if function.attr == "copy":
            return self._type_of(function.value)
        if function.attr == "reshape":
            return self._reshaped(node, function.value)
        if function.attr == "swapaxes":
            return self._swapped(node, function.value)
        return self._reduced(node, function) if function.attr in REDUCTIONS else None

    def _type_of_routine(self, name: str, arguments: list[ast.expr]) -> Type | None:
        if name == "_rows":
            return self._rows(*arguments)
        if name == "_times":
            return self._product(*arguments)
        found = self._type_of(arguments[0]) if takes_memory(name) or name in SOMETIMES else None
        if name == "_row_max":
            return found and found.with_shape((*found.shape[:-1], Dim.of(1)))
        return found or (REAL if gives_number(name) else {"int": INT, "_ones": ONES}.get(name))

    def _listed(self, array: ast.expr) -> Type | None:
        """A list of ints has an int at each index, as the array has."""
        whole = self._type_of(array)
        return whole if whole is not None and whole.kind == "int" and whole.rank == 1 else None

    def _rows(self, table: ast.expr, places: ast.expr) -> Type | None:
        whole, at = self._type_of(table), self._type_of(places)
        if whole is None or at is None or whole.kind != "real" or not whole.rank:
            return None
        return whole.with_shape((*at.shape, *whole.shape[1:]))

    def _outer(self, left: ast.expr, right: ast.expr) -> Type | None:
        a, b = self._type_of(left), self._type_of(right)
        if a is None or b is None or {a.kind, b.kind} != {"real"} or (a.rank, b.rank) != (1, 1):
            return None
        return Type("real", (*a.shape, *b.shape))

    def _where(self, condition: ast.expr, *chosen: ast.expr) -> Type | None:
        mask, found = self._type_of(condition), self._elementwise(chosen)
        if found is None and all(self._type_of(one) == REAL for one in chosen):
            found = REAL
        return mask and found and found.with_shape(broadcast(mask.shape, found.shape))

    def _reshaped(self, node: ast.Call, array: ast.expr) -> Type | None:
        whole = self._type_of(array)
        sizes = [dim_of(size, self.sizes) for size in node.args]
        known = [size for size in sizes if size is not None and size.is_natural]
        return whole.with_shape(tuple(known)) if whole and len(known) == len(sizes) else None

    def _swapped(self, node: ast.Call, array: ast.expr) -> Type | None:
        whole, (a, b) = self._type_of(array), map(_number, node.args)
        if whole is None or a is None or b is None:
            return None
        shape = list(whole.shape)
        shape[a], shape[b] = shape[b], shape[a]
        return whole.with_shape(tuple(shape))

    def _reduced(self, node: ast.Call, function: ast.Attribute) -> Type | None:
        """`x.sum(axis=1, keepdims=True)`."""
        whole = self._type_of(function.value)
        options = {k.arg: k.value for k in node.keywords if k.arg != "initial"}
        axis, keep = options.pop("axis", None), options.pop("keepdims", ast.Constant(False))
        number = axis.value if isinstance(axis, ast.Constant) else None
        if whole is None or whole.kind != "real" or node.args or options or not isinstance(number, int):
            return None
        place = number % max(whole.rank, 1)
        kept = (Dim.of(1),) if isinstance(keep, ast.Constant) and keep.value else ()
        return whole.with_shape((*whole.shape[:place], *kept, *whole.shape[place + 1 :]))


def _as_call(form: Form, node: ast.expr) -> Form:
    """The form within a line of what has statements elsewhere, if it has one."""
    if form.name == "where":
        return Form("_where")  # a routine
    if form.name == "copy" and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return Form("positive", (node.func.value,))
    return form


def _is_whole(part: ast.Slice) -> bool:
    return part.lower is part.upper is part.step is None


def _has_one(type: Type) -> bool:
    return any(size.known == 1 for size in type.shape)


def _number(node: ast.expr) -> int | None:
    """The number that stands there, as -2 does."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        found = _number(node.operand)
        return None if found is None else -found
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


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
            stack.extend((child, False) for child in ast.iter_child_nodes(node))


def _broadcast_type(types: Sequence[Type | None], any_kind: bool = False) -> Type | None:
    """The real (or other) array that values of these types broadcast to."""
    known = [type for type in types if type is not None]
    real = any(type.kind == "real" and type.rank for type in known)
    if len(known) < len(types) or not (real or any_kind):
        return None
    return Type("real", broadcast(*(type.shape for type in known)))


def _number_type(op: ast.operator, types: Sequence[Type | None]) -> Type | None:
    """Of numbers comes a number."""
    if REAL in types:
        return REAL if set(types) <= {REAL, INT} else None
    return INT if set(types) == {INT} and isinstance(op, (ast.Add, ast.Sub, ast.Mult)) else None
