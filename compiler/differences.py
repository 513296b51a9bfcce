"""Derivatives without differentiation: complex step, central differences, Richardson's extrapolation.

>>> from math import exp
>>> round(central(exp, 1e-5).slope, 8)
1.0

A `curve` is the model's value along a straight line through the point, t = 0 being the point itself.
Central differences are taken on the compiled module: what is compared is what a user runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from autodiffc.grammar.records import record

from .formulas import Formula, NoFormula, formula_of
from .interp import apply, resolve
from .ir import Array, Graph, Node, const_value
from .ops.checks import unguarded

Curve = Callable[[float], float]
Point = Mapping[str, Array]
EPSILON = float(np.finfo(np.float64).eps)
TINY = 1e-20  # the complex step: its square is lost, its rounding error too

# Ops whose reference evaluation is right for complex numbers: sums of products, and softmax, where any shift
# of the exponents cancels.
CONTINUED = frozenset({
    "sum", "mean", "prod", "cumsum", "cumprod", "trace", "matmul", "outer", "einsum", "contract",
    "tensordot", "patches", "fold", "in_training", "reshape", "transpose", "broadcast_to",
    "concatenate", "stack", "flip", "roll", "repeat", "tile", "pad", "getitem", "put", "gather",
    "scatter_add", "decrement", "take_along", "put_along", "governed", "own_adjoint",
    "stop_gradient", "tril", "triu", "diag", "diagonal", "softmax", "log_softmax", "cross_entropy",
    "normalize", "det", "inv", "solve", "solve_triangular",
})  # fmt: skip


class NotAnalytic(Exception):
    """An op that the complex step may not be taken through; the message names it."""


@record(frozen=True)
class Slope:
    """A derivative and how far rounding and truncation may have taken it from the truth."""

    slope: float
    error: float


def central(curve: Curve, step: float) -> Slope:
    """The central difference, with the rounding floor of NUMERICS: 20 e max|f| / h."""
    ahead, behind = curve(step), curve(-step)
    return Slope((ahead - behind) / (2.0 * step), 20.0 * EPSILON * max(abs(ahead), abs(behind)) / step)


def richardson(curve: Curve, step: float, halvings: int = 4) -> Slope:
    """Central differences of ever smaller steps, extrapolated to step 0.

    The error is the tableau's own estimate: how far the best entry lies from its neighbours, but not less
    than the rounding floor of the smallest step.
    """
    best = Slope(float("nan"), float("inf"))
    row: list[float] = []
    for level in range(halvings + 1):
        plain = central(curve, step / 2.0**level)
        above, row = row, [plain.slope]
        for order, previous in enumerate(above, start=1):
            row.append(row[-1] + (row[-1] - previous) / (4.0**order - 1.0))
            error = max(abs(row[-1] - previous), abs(row[-1] - row[-2])) + plain.error / 20.0
            if error < best.error:
                best = Slope(row[-1], error)
    return best


def complex_slopes(
    graph: Graph, arguments: Point, sizes: Mapping[str, int], cotangents: Point, directions: Sequence[Point]
) -> tuple[tuple[float, ...], float]:
    """Im f(x + i h v) / h for each direction v, and f(x), f being ⟨cotangents, outputs⟩.

    Raises NotAnalytic where an op that depends on a direction is not analytic.
    """
    slopes = []
    value = float("nan")
    for found in complex_values(graph, arguments, sizes, tuple(cotangents), directions):
        total = sum(complex((found[name] * cotangent).sum()) for name, cotangent in cotangents.items())
        slopes.append(total.imag / TINY)
        value = total.real
    return tuple(slopes), value


def complex_values(
    graph: Graph,
    arguments: Point,
    sizes: Mapping[str, int],
    names: Collection[str],
    directions: Sequence[Point],
) -> Iterator[dict[str, Array]]:
    """f(x + i h v) for each direction v, f being the outputs of these names.

    Raises NotAnalytic where an op that depends on a direction is not analytic.
    """
    moved = {name for direction in directions for name in direction}
    target = Graph(graph.inputs, tuple((n, unguarded(node)) for n, node in graph.outputs if n in names))
    analytic = _analytic_path(target, moved)
    for direction in directions:
        point = {n: a + 1j * TINY * direction[n] if n in direction else a for n, a in arguments.items()}
        yield _outputs(target, point, sizes, analytic)


def elements(curve: Callable[[float], Array], count: int) -> list[Curve]:
    """A curve for each element of a curve of arrays; they share its values."""
    known: dict[float, list[float]] = {}

    def at(t: float) -> list[float]:
        if t not in known:
            known[t] = np.ravel(curve(t)).tolist()
        return known[t]

    def element(k: int, t: float) -> float:
        return at(t)[k]

    return [partial(element, k) for k in range(count)]


def _analytic_path(target: Graph, moved: set[str]) -> set[Node]:
    """The nodes that the complex numbers pass through."""
    path: set[Node] = set()
    for node in target.nodes():
        if node.op.name == "argument":
            if node["name"] in moved:
                path.add(node)
        elif any(a in path for a in node.args):
            _require_analytic(node)
            path.add(node)
    return path


def _require_analytic(node: Node) -> None:
    try:
        analytic = _formula(node).analytic if node.op.elementwise else node.op.name in CONTINUED
    except NoFormula as problem:
        raise NotAnalytic(str(problem)) from problem
    if not analytic or node.type.kind != "real":
        raise NotAnalytic(f"{node.op.name} is not analytic")


def _formula(node: Node) -> Formula:
    return formula_of(node.op, tuple(const_value(a) for a in node.args), node.attrs)


def _outputs(target: Graph, point: Point, sizes: Mapping[str, int], analytic: set[Node]) -> dict[str, Array]:
    values: dict[Node, Array] = {}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        for node in target.nodes():
            values[node] = _value(node, [values[a] for a in node.args], point, sizes, node in analytic)
    return {name: values[node] for name, node in target.outputs}


def _value(node: Node, args: list[Array], point: Point, sizes: Mapping[str, int], analytic: bool) -> Array:
    """An analytic formula on the path of the complex numbers, the reference evaluation elsewhere."""
    if node.op.name == "argument":
        return np.asarray(point[node["name"]])
    if not analytic:
        return apply(node, args, sizes)
    if not node.op.elementwise:
        return np.asarray(node.op.eval(*args, **{name: resolve(value, sizes) for name, value in node.attrs}))
    varying = [a for a, n in zip(args, node.args) if const_value(n) is None]
    shape = np.broadcast_shapes(*(a.shape for a in args))
    return np.broadcast_to(_formula(node).vectorised(*varying), shape)  # SymPy makes a plain 0 of 0*x
