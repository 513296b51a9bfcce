"""How the matcher sees a node: as a sum, as a product, as another op's spelling, without changing the graph.

A rule is written once, a model writes the same thing in many ways. So the matcher compares flattened views:

    x - y + 1           a sum, constant 1, terms +x, -y
    -2*x/y              a product, factor -2, powers x^1, y^-1
    log1p(x)            log of the sum 1 + x           (expm1 alike)
    exp(x)[rows]        exp of x[rows]                 (and every other op that only moves elements)
    sum(x, axis=1)[:, None]    the sum over axis 1 that keeps its dims

`key` is equal for nodes that are the same expression by the commutativity and associativity of + and *:
that is how a variable that occurs twice in a pattern is compared. All numbers are exact; where an
arithmetic of constants would round, the view stops there. Flattening stops after `BUDGET` nodes, so that
a chain of any length costs a constant for each node.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from ..ir import OPS, Literal, Node, attr_key, const
from ..types import Shape
from .terms import Power, Product, Sum, Term, build_product, inverse, negated, plus, times

BUDGET = 12

# Ops that only move elements of their first argument: an elementwise function commutes with them.
MOVES = frozenset(
    [
        "reshape",
        "transpose",
        "broadcast_to",
        "getitem",
        "gather",
        "flip",
        "roll",
        "repeat",
        "tile",
        "diagonal",
    ]
)
SUMS = frozenset(("add", "sub", "neg"))
PRODUCTS = frozenset(("mul", "div", "neg", "reciprocal", "square", "power"))


class Views:
    """The views of the nodes of one graph, remembered while a pass runs."""

    def __init__(self) -> None:
        self._numbers: dict[Node, float | None] = {}
        self._sums: dict[tuple[Node, bool], Sum] = {}
        self._products: dict[Node, Product] = {}
        self._keys: dict[Node, int] = {}
        self._interned: dict[Hashable, int] = {}

    # --- numbers ---------------------------------------------------------------------------------

    def number(self, node: Node) -> float | None:
        """The real number that every element of a node is, where it is written in constants."""
        if node.op.name not in _SIMPLE:
            return None
        if node not in self._numbers:
            self._numbers[node] = _number(node, 4)
        return self._numbers[node]

    # --- sums ------------------------------------------------------------------------------------

    def sum(self, node: Node, deep: bool = True) -> Sum:
        """The node as a sum; `deep` also opens expm1, sinh and cosh."""
        if (node, deep) not in self._sums:
            self._sums[node, deep] = self._as_sum(node, deep)
        return self._sums[node, deep]

    def _as_sum(self, node: Node, deep: bool) -> Sum:
        constant, terms, budget = 0.0, [], BUDGET
        stack: list[Term] = [(1.0, node)]
        while stack:
            coefficient, part = stack.pop()
            value = self.number(part)
            total = self._add_number(constant, coefficient, value)
            if total is not None:
                constant = total
                continue
            pieces = self._sum_parts(coefficient, part, deep) if budget else None
            if pieces is None:
                terms.append((coefficient, part))
            else:
                budget -= 1
                stack.extend(reversed(pieces))
        return Sum(constant, tuple(terms))

    def _add_number(self, constant: float, coefficient: float, value: float | None) -> float | None:
        product = None if value is None else times(coefficient, value)
        return None if product is None else plus(constant, product)

    def _sum_parts(self, c: float, node: Node, deep: bool) -> list[Term] | None:
        name, args = node.op.name, node.args
        if name == "add":
            return [(c, args[0]), (c, args[1])]
        if name == "sub":
            return [(c, args[0]), (-c, args[1])]
        if name == "neg":
            return [(-c, args[0])]
        if deep and name in _EXPONENTIALS:
            return [(c * k, exponential(args[0])) for k, exponential in _EXPONENTIALS[name]]
        if name == "mul" or (name == "div" and args[0].op.name != "sum"):  # sum(x) / 8.0 stays a mean
            return self._coefficient_apart(c, node)
        return None

    def _coefficient_apart(self, c: float, node: Node) -> list[Term] | None:
        """2*x*y as 2 times x*y; a number is not distributed over a sum, but its sign is."""
        product = self.product(node)
        if product.factor == 1.0 or not product.powers:
            return None
        coefficient = times(c, product.factor)
        if coefficient is None:
            return None
        (base, exponent), *others = product.powers
        if not others and exponent == 1 and base.op.name in SUMS and product.factor != -1.0:
            return None
        return [(coefficient, build_product(1.0, product.powers))]

    # --- products --------------------------------------------------------------------------------

    def product(self, node: Node) -> Product:
        """The node as a product; equal factors are one power."""
        if node not in self._products:
            self._products[node] = self._as_product(node)
        return self._products[node]

    def _as_product(self, node: Node) -> Product:
        factor, budget = 1.0, BUDGET
        powers: dict[int, Power] = {}
        stack: list[Power] = [(node, 1)]
        while stack:
            part, exponent = stack.pop()
            scaled = self._times_number(factor, part, exponent)
            if scaled is not None:
                factor = scaled
                continue
            pieces = self._product_parts(part, exponent) if budget else None
            if pieces is not None:
                budget -= 1
                factor *= -1.0 if part.op.name == "neg" and exponent % 2 else 1.0
                stack.extend(reversed(pieces))
                continue
            if part is node:
                return Product(1.0, ((node, 1),))
            key = self.key(part)
            base, so_far = powers.get(key, (part, 0))
            powers[key] = (base, so_far + exponent)
        return Product(factor, tuple(p for p in powers.values() if p[1]))

    def _times_number(self, factor: float, part: Node, exponent: int) -> float | None:
        value = self.number(part)
        if value is None or abs(exponent) != 1:
            return None
        value = value if exponent == 1 else inverse(value)
        return None if value is None else times(factor, value)

    def _product_parts(self, node: Node, exponent: int) -> list[Power] | None:
        name, args = node.op.name, node.args
        if name == "mul":
            return [(args[0], exponent), (args[1], exponent)]
        if name == "div":
            return [(args[0], exponent), (args[1], -exponent)]
        if name == "neg":
            return [(args[0], exponent)]
        if name == "reciprocal":
            return [(args[0], -exponent)]
        if name == "square":
            return [(args[0], 2 * exponent)]
        if name == "power":
            value = self.number(args[1])
            if value in (-2.0, -1.0, 1.0, 2.0):
                return [(args[0], int(value) * exponent)]
        return None

    # --- identity --------------------------------------------------------------------------------

    def same(self, a: Node, b: Node) -> bool:
        return a is b or self.key(a) == self.key(b)

    def key(self, node: Node) -> int:
        """Equal for nodes that are equal up to the order in sums and products; no recursion over chains."""
        stack = [node]
        while stack:
            top = stack[-1]
            waiting = [a for a in top.args if a not in self._keys] if top not in self._keys else []
            stack.extend(waiting)
            if not waiting:
                stack.pop()
                if top not in self._keys:
                    self._keys[top] = self._intern(self._structure(top))
        return self._keys[node]

    def _structure(self, node: Node) -> Hashable:
        value = self.number(node)
        if value is not None:
            return "number", attr_key(value)
        if node.op.name in _FLAT:
            total = self.sum(node, deep=False)
            if total.constant or total.terms != ((1.0, node),):
                terms = ((self._product_key(term), c) for c, term in total.terms)
                return "sum", total.constant, tuple(sorted(terms))
            product = self.product(node)
            if product.powers != ((node, 1),):
                return self._product_structure(product)
        args = [self._keys[a] for a in node.args]
        return node.op.name, tuple(sorted(args) if node.op.commutative else args), attr_key(node.attrs)

    def _product_key(self, node: Node) -> int:
        """The key of a term of a sum: it has no coefficient of its own, and may be the sum's own product."""
        if node.op.name not in PRODUCTS:
            return self.key(node)
        product = self.product(node)
        if product.powers == ((node, 1),):
            return self.key(node)
        return self._intern(self._product_structure(product))

    def _product_structure(self, product: Product) -> Hashable:
        powers = ((self.key(base), exponent) for base, exponent in product.powers)
        return "product", product.factor, tuple(sorted(powers))

    def _intern(self, key: Hashable) -> int:
        return self._interned.setdefault(key, len(self._interned))

    # --- spellings -------------------------------------------------------------------------------

    def pushed(self, node: Node) -> Node | None:
        """`f(x)[rows]` as `f(x[rows])`, for an elementwise f under ops that only move elements."""
        if node.op.name not in MOVES:
            return None
        inner: Node | None = node.args[0]
        if inner is not None and inner.op.name in MOVES:
            inner = self.pushed(inner)
        if inner is None or not inner.op.elementwise or not inner.args or self.number(inner) is not None:
            return None
        moved = [self._moved(node, arg, inner.shape) for arg in inner.args]
        return inner.op(*moved, **dict(inner.attrs))

    def _moved(self, move: Node, arg: Node, shape: Shape) -> Node:
        if arg.rank == 0:
            return arg
        whole = arg if arg.shape == shape else OPS["broadcast_to"](arg, shape=shape)
        return move.op(whole, *move.args[1:], **dict(move.attrs))


def _rising(x: Node) -> Node:
    return OPS["exp"](x)


def _falling(x: Node) -> Node:
    return OPS["exp"](negated(x))


# Sums of exponentials that are ops of their own, as coefficients and exponentials.
_EXPONENTIALS: dict[str, list[tuple[float, Callable[[Node], Node]]]] = {
    "expm1": [(1.0, _rising), (-1.0, lambda x: const(1.0))],
    "sinh": [(0.5, _rising), (-0.5, _falling)],
    "cosh": [(0.5, _rising), (0.5, _falling)],
}
_SIMPLE = frozenset(
    [
        "const",
        "broadcast_to",
        "reshape",
        "to_real",
        "neg",
        "add",
        "sub",
        "mul",
        "div",
        "power",
        "sqrt",
        "square",
        "reciprocal",
        "exp",
        "log",
    ]
)
_FLAT = SUMS | PRODUCTS


def _number(node: Node, depth: int) -> float | None:
    if node.op.name == "const":
        return _uniform(node["value"])
    if not depth or any(arg.op.name not in _SIMPLE for arg in node.args):
        return None
    values = [_number(arg, depth - 1) for arg in node.args]
    if None in values:
        return None
    if node.op.name in ("broadcast_to", "reshape", "to_real"):
        return values[0]
    with np.errstate(all="ignore"):
        return float(node.op.eval(*map(np.float64, values)))


def _uniform(value: object) -> float | None:
    """The number that a constant is everywhere."""
    if isinstance(value, Literal):
        array = value.array
        return float(array.flat[0]) if array.size and (array == array.flat[0]).all() else None
    return None if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)
