"""The types of expressions in a function's text, as far as those of its names tell.

x @ W + b        real[N, D] @ real[D, H] + real[H]      ->      real[N, H]
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from autodiffc.compiler.types import BOOL, INT, REAL, Dim, Type, TypeProblem, broadcast

from .flow import WRITE, Flow
from .into import (
    COMPARED,
    REDUCTIONS,
    SOMETIMES,
    gives_number,
    is_in_blocks,
    is_module,
    is_ufunc,
    takes_memory,
)
from .moved import MOVED, SHAPED, joined, moved, reduced, shaped, summed
from .subscripts import dim_of, number_of, part_type
from .windowed import WINDOWED, windowed

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.FloorDiv)
LOGIC = (ast.BitAnd, ast.BitOr)
NUMBERS = frozenset({"inf", "nan"})
SCANS = frozenset({"cumsum", "cumprod"})
PREDICATES = frozenset({"isfinite", "isnan", "isinf", "logical_and", "logical_or", "logical_not"})
ONES = Type("real", (Dim.symbol("~"),))  # of a size that agrees with that of a factor
BROADCASTING = frozenset({"_shifted", "_divide_or_zero"})  # other routines of two operands


class Typed:
    """The types in a function; `types` are those of its names, as far as they have but one.

    `sizes` are dims, by the names that they have.
    """

    def __init__(self, flow: Flow, types: Mapping[str, Type], np: str, sizes: Mapping[str, str] = {}):
        self.flow, self.np, self.sizes = flow, np, sizes
        self.types = dict(types)
        self._found: dict[str, Type] = {}  # of variables whose names have several types
        self.kept: dict[str, Type | None] = {}  # of the elements of lists
        self._position = 0  # the line that is looked at

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

    def note_kept(self, tree: ast.stmt) -> None:
        """The type of what a line keeps in a list: `hs.append(h)`."""
        call = tree.value if isinstance(tree, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "append":
            found = self.type_of(call.args[0])
            if isinstance(call.func.value, ast.Name):
                known = self.kept.setdefault(call.func.value.id, found)
                self.kept[call.func.value.id] = found if found == known else None

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
        if isinstance(node, ast.BinOp) and isinstance(node.op, LOGIC):
            return _mask_type([self._type_of(node.left), self._type_of(node.right)])
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
            found = self._elementwise((node.left, node.comparators[0]), any_kind=True)
            return found and found.with_kind("bool")
        if isinstance(node, ast.Attribute) and node.attr == "T":
            found = self._type_of(node.value)
            return found and found.with_shape(found.shape[::-1])
        if isinstance(node, ast.Attribute) and is_module(node.value, self.np):
            return REAL if node.attr in NUMBERS else None
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
        if isinstance(node.value, ast.Name) and node.value.id in self.kept:
            return self.kept[node.value.id] if self._type_of(node.slice) == INT else None
        whole = self._type_of(node.value)
        return whole and part_type(whole, node.slice, self.sizes, lambda i: self._type_of(i) == INT)

    def _type_of_call(self, node: ast.Call) -> Type | None:
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in WINDOWED:
                return windowed(node, self.type_of, self.sizes)
            if function.id in MOVED:
                return moved(node, self.type_of, self.sizes)
            return self._type_of_routine(function.id, node.args)
        if not isinstance(function, ast.Attribute):
            return None
        if is_module(function.value, self.np):
            if function.attr == "outer":
                return self._outer(*node.args)
            if function.attr == "where":
                return self._where(*node.args)
            if function.attr == "clip":
                return self._elementwise(tuple(node.args))
            if function.attr == "einsum":
                return summed(node, self.type_of)
            if function.attr == "arange" and len(node.args) == 1:
                size = dim_of(node.args[0], self.sizes)
                return Type("int", (size,)) if size is not None and size.is_natural else None
            if function.attr in SHAPED:
                return shaped(node, self.sizes)
            if function.attr == "broadcast_to":
                return self._spread(*node.args)
            if function.attr == "concatenate":
                return joined(node, self.type_of)
            if function.attr in ("tril", "triu"):
                return self._type_of(node.args[0])
            if not is_ufunc(function.attr) or function.attr in ("matmul", "vecdot"):
                return None
            found = self._elementwise(tuple(node.args), any_kind=function.attr in PREDICATES)
            return found and (found.with_kind("bool") if function.attr in PREDICATES else found)
        if function.attr == "tolist":
            return self._listed(function.value)
        if function.attr == "copy":
            return self._type_of(function.value)
        if function.attr in SCANS:
            whole = self._type_of(function.value)
            return whole if whole and whole.kind == "real" and (whole.rank == 1 or node.keywords) else None
        if function.attr == "reshape":
            return self._reshaped(node, function.value)
        if function.attr == "swapaxes":
            return self._swapped(node, function.value)
        if function.attr == "transpose":
            return self._transposed(node, function.value)
        return self._reduced(node, function) if function.attr in REDUCTIONS else None

    def _type_of_routine(self, name: str, arguments: list[ast.expr]) -> Type | None:
        if name == "_rows":
            return self._rows(*arguments)
        if name == "_times":
            return self._product(*arguments)
        if name == "_outer":
            return self._outer(*arguments)
        if name == "_few_or_many":
            return self._type_of(arguments[0])
        if is_in_blocks(name) or name in BROADCASTING:
            return self._elementwise(tuple(arguments))
        found = self._type_of(arguments[0]) if takes_memory(name) or name in SOMETIMES else None
        if found is not None and not found.rank:
            found = self._elementwise(tuple(arguments))  # `_divide_or_zero(1.0, norm)`
        if name == "_row_max":
            return found and found.with_shape((*found.shape[:-1], Dim.of(1)))
        return found or (REAL if gives_number(name) else {"int": INT, "_ones": ONES}.get(name))

    def _listed(self, array: ast.expr) -> Type | None:
        """A list of ints has an int at each index, as the array has."""
        whole = self._type_of(array)
        return whole if whole is not None and whole.kind == "int" and whole.rank == 1 else None

    def _rows(self, table: ast.expr, places: ast.expr, axis: ast.expr | None = None) -> Type | None:
        whole, at = self._type_of(table), self._type_of(places) or self._places(places)
        if axis is not None:
            return whole and at and whole.with_shape((whole.shape[0], *at.shape))
        if whole is None or at is None or not whole.rank:
            return None
        return whole.with_shape((*at.shape, *whole.shape[1:]))

    def _places(self, node: ast.expr) -> Type | None:
        """The type of indices: `i + np.arange(N)`."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            types = [self._type_of(part) or self._places(part) for part in (node.left, node.right)]
            known = [type for type in types if type is not None and type.kind == "int"]
            return INT.with_shape(broadcast(*(type.shape for type in known))) if len(known) == 2 else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "arange":
            count = dim_of(node.args[0], self.sizes) if len(node.args) == 1 and not node.keywords else None
            return None if count is None else INT.with_shape((count,))
        return None

    def _spread(self, array: ast.expr, shape: ast.expr) -> Type | None:
        """`np.broadcast_to(x, (N, M))`."""
        whole = self._type_of(array)
        parts = shape.elts if isinstance(shape, ast.Tuple) else [shape]
        dims = [dim_of(part, self.sizes) for part in parts]
        known = tuple(dim for dim in dims if dim is not None and dim.is_natural)
        return whole.with_shape(known) if whole and len(known) == len(dims) else None

    def _outer(self, left: ast.expr, right: ast.expr) -> Type | None:
        a, b = self._type_of(left), self._type_of(right)
        if a is None or b is None or {a.kind, b.kind} != {"real"} or (a.rank, b.rank) != (1, 1):
            return None
        return Type("real", (*a.shape, *b.shape))

    def _where(self, condition: ast.expr, *chosen: ast.expr) -> Type | None:
        mask, found = self._type_of(condition), self._elementwise(chosen)
        return mask and found and found.with_shape(broadcast(mask.shape, found.shape))

    def _reshaped(self, node: ast.Call, array: ast.expr) -> Type | None:
        whole = self._type_of(array)
        sizes = [dim_of(size, self.sizes) for size in node.args]
        known = [size for size in sizes if size is not None and size.is_natural]
        return whole.with_shape(tuple(known)) if whole and len(known) == len(sizes) else None

    def _swapped(self, node: ast.Call, array: ast.expr) -> Type | None:
        whole, (a, b) = self._type_of(array), map(number_of, node.args)
        if whole is None or a is None or b is None:
            return None
        shape = list(whole.shape)
        shape[a], shape[b] = shape[b], shape[a]
        return whole.with_shape(tuple(shape))

    def _transposed(self, node: ast.Call, array: ast.expr) -> Type | None:
        whole, axes = self._type_of(array), [number_of(axis) for axis in node.args]
        if whole is None or len(axes) != whole.rank:
            return None
        return whole.with_shape(tuple(whole.shape[axis] for axis in axes if axis is not None))

    def _reduced(self, node: ast.Call, function: ast.Attribute) -> Type | None:
        """`x.sum(axis=1, keepdims=True)`."""
        whole = self._type_of(function.value)
        options = {k.arg: k.value for k in node.keywords if k.arg != "initial"}
        if whole is None or whole.kind != "real" or node.args or options.keys() - {"axis", "keepdims"}:
            return None
        return reduced(whole, options.get("axis"), options.get("keepdims")) if "axis" in options else None


def _broadcast_type(types: Sequence[Type | None], any_kind: bool = False) -> Type | None:
    """The real (or other) array that values of these types broadcast to."""
    known = [type for type in types if type is not None]
    kinds = {type.kind for type in known}
    real = "real" in kinds and ("int" not in kinds or any(t.kind == "real" and t.rank for t in known))
    if len(known) < len(types) or not (real or any_kind):
        return None
    return Type("real", broadcast(*(type.shape for type in known)))


def _mask_type(types: Sequence[Type | None]) -> Type | None:
    """The bools that bools broadcast to."""
    known = [type for type in types if type is not None and type.kind == "bool"]
    return BOOL.with_shape(broadcast(*(type.shape for type in known))) if len(known) == len(types) else None


def _number_type(op: ast.operator, types: Sequence[Type | None]) -> Type | None:
    """Of numbers comes a number."""
    if REAL in types:
        return REAL if set(types) <= {REAL, INT} else None
    return INT if set(types) == {INT} and isinstance(op, (ast.Add, ast.Sub, ast.Mult)) else None
