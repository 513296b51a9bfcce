"""In which order the axes of arrays lie in memory, as far as a function's text tells.

turned = x.swapaxes(0, 1)        lies as (1, 0)
y = np.exp(turned)               as NumPy has it, so does what is made of it element by element
z = gates[:, H:2 * H]            has gaps
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import pairwise

from autodiffc.compiler.types import INT, Dim, Shape, Type

from .flow import WRITE, Flow
from .into import Form, is_elementwise, is_elementwise_routine, is_module, is_routine, is_ufunc
from .subscripts import Order, number_of, reordered
from .typed import Typed
from .windowed import WINDOWED

ORDERED = frozenset({"reshape", "ravel", "copy", "dot", "matmul"})  # they give arrays in the order of axes
TURNING = frozenset({"mT", "transpose", "moveaxis"})


class Orders(Typed):
    """The orders in a function."""

    def __init__(self, flow: Flow, types: Mapping[str, Type], np: str, sizes: Mapping[str, str] = {}):
        super().__init__(flow, types, np, sizes)
        self._orders: dict[str, Order] = {}  # of variables whose axes are not in the order of their memory

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
        if is_routine(node, "_times") or is_routine(node, "_outer"):
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
            if function.attr == "transpose":
                places = [k for k in map(number_of, node.args) if k is not None]
                known = 0 < len(places) == len(node.args)
                return reordered(self._order(function.value), places) if known else None
            if is_module(function.value, self.np) and is_ufunc(function.attr):
                return self._common_order(*node.args)
        orders = [self._order(function), *map(self._order, node.args)]
        return () if all(order == () for order in orders) else None

    def _order_of_swapped(self, node: ast.Call, array: ast.expr) -> Order:
        rank = self._rank(array)
        a, b = map(number_of, node.args)
        if rank is None or a is None or b is None:
            return None
        axes = list(range(rank))
        axes[a], axes[b] = axes[b], axes[a]
        return reordered(self._order(array), axes)

    def _is_copied(self, node: ast.expr) -> bool:
        """Whether `reshape` makes a copy: of axes of which two become one, and don't follow in memory."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.attr != "reshape":
            return False
        order, given, found = self._order(node.func.value), self.type_of(node.func.value), self.type_of(node)
        if not order or given is None or found is None or given.rank != len(order) or _has_one(given):
            return False
        follow = set(pairwise(order))
        return any(pair not in follow for pair in _joined(given.shape, found.shape))

    def _common_order(self, *operands: ast.expr) -> Order:
        """The order of what is made of operands: plain where one of that shape is."""
        orders = [(operand, order) for operand in operands if (order := self._order(operand)) != ()]
        turned = [operand for operand, _ in orders]
        types = [self.type_of(o) for o in operands if o not in turned and not is_spread(o)]
        rank = max((t.rank for t in map(self.type_of, turned) if t is not None), default=0)
        plain = any(t is not None and t.rank >= max(rank, 2) and not _has_one(t) for t in types)
        if not turned or (rank and plain):
            return ()
        found = {order for _, order in orders}
        return found.pop() if len(found) == 1 else None

    def _is_cut(self, node: ast.expr) -> bool:
        """Whether it is a part of an array that has gaps in memory."""
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self._is_cut(node.value)
        if isinstance(node, ast.Name):
            value = self._value_of(node)
            return isinstance(value, ast.Subscript) and self._is_cut(value)
        if is_spread(node):
            return True
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
            return False
        parts = [
            part for part in node.slice.elts if not (isinstance(part, ast.Constant) and part.value is None)
        ]
        first = next((i for i, part in enumerate(parts) if isinstance(part, ast.Slice)), len(parts))
        return not all(isinstance(part, ast.Slice) and _is_whole(part) for part in parts[first + 1 :])

    def _is_backwards(self, node: ast.expr) -> bool:
        """Whether it is a part of an array in another direction: h[::-1]."""
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self._is_backwards(node.value)
        if isinstance(node, ast.Name):
            value = self._value_of(node, updated=True)
            return isinstance(value, ast.Subscript) and self._is_backwards(value)
        if not isinstance(node, ast.Subscript):
            return False
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        steps = [number_of(part.step) for part in parts if isinstance(part, ast.Slice) and part.step]
        return any(step is not None and step < 0 for step in steps)

    def _value_of(self, name: ast.Name, updated: bool = False) -> ast.expr | None:
        """What a variable is given, if that is but once; also where it may have been `updated` in place."""
        variable = self.flow.variable(name.id, self._position)
        writes = [p for p, kind, _ in self.flow.events.get(variable, ()) if kind == WRITE]
        trees = [self.flow.lines[position].trees[0] for position in writes]
        given = [tree for tree in trees if not (updated and isinstance(tree, ast.AugAssign))]
        return given[0].value if len(given) == 1 and isinstance(given[0], ast.Assign) else None

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


def _joined(old: Shape, new: Shape) -> Iterator[tuple[int, int]]:
    """The axes of one shape that are one axis of another with the next."""
    ends, size = set(), Dim.of(1)
    for length in new:
        size = size * length
        ends.add(size)
    size = Dim.of(1)
    for axis, length in enumerate(old[:-1]):
        size = size * length
        if size not in ends:
            yield axis, axis + 1


def is_spread(node: ast.expr) -> bool:
    """Whether it shows elements of an array several times."""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr == "broadcast_to"


def _is_whole(part: ast.Slice) -> bool:
    return part.lower is part.upper is part.step is None


def _has_one(type: Type) -> bool:
    return any(size.known == 1 for size in type.shape)
