"""The reference derivative: the model in scalars, differentiated by SymPy, in 50 digits.

Every element of every argument becomes a symbol, and the graph as the user wrote it (no stability rewrites)
becomes a straight-line program of scalar formulas. SymPy differentiates each formula; the chain rule in
forward mode joins the pieces. Where the whole of the target stays a small formula SymPy differentiates that
instead:

>>> from autodiffc.compiler import ops
>>> from .types import REAL
>>> x = ops.argument("x", REAL)
>>> graph = Graph((x,), (("f", ops.exp(x) * x),))
>>> one = np.array(1.0)
>>> run = evaluate(graph, {"x": one}, {}, {"f": one}, [{"x": one}])
>>> run.formula, run.slopes
('x*exp(x)', (5.43656365691809,))

Nothing here uses the compiler's adjoint rules. A max or an argmax picks by the concrete values, and what
such a choice hangs on is measured (`Reference.margin`), so that the caller can keep away from kinks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
from autodiffc.grammar.records import record

from . import ops
from .formulas import Formula, NoFormula, formula_of
from .interp import apply
from .ir import Array, Graph, Node, const_value
from .ops.derivatives import DERIVATIVES
from .scalars import Number, ScalarProgram
from .slopes import derivative, governed_slopes, variables_of
from .types import TUPLE

DIGITS = 50
EPSILON = float(np.finfo(np.float64).eps)

Point = Mapping[str, Array]


@record(frozen=True, eq=False)
class Reference:
    """What the scalar program gives.

    values   each output in double precision, and `noise`: how large rounding may make the error of each
    slopes   the derivative of ⟨cotangents, outputs⟩ along each direction, and `floors`: the same for each
    margin   how many steps of `steps` the nearest kink is away
    formula  the whole target, where SymPy differentiated it in one piece
    """

    values: Mapping[str, Array]
    noise: Mapping[str, Array]
    slopes: tuple[float, ...]
    floors: tuple[float, ...]
    margin: float
    formula: str | None


def evaluate(
    graph: Graph,
    arguments: Point,
    sizes: Mapping[str, int],
    cotangents: Point,
    directions: Sequence[Point],
    *,
    steps: Sequence[float] = (),
    seconds: float = inf,
) -> Reference:
    """Run the graph as a scalar program at the arguments.

    `directions` are tangents of the arguments, by name; `cotangents` weigh the outputs whose derivatives
    are asked. Raises NoFormula for an op without a symbolic form, TooLarge where time or room runs out.
    """
    import mpmath

    with mpmath.workdps(DIGITS):
        program = ScalarProgram(steps or [1e-5] * len(directions), time.monotonic() + seconds)
        numbers = _outputs(program, graph, _leaves(program, graph, arguments, directions), sizes)
        target = _contracted(program, numbers, cotangents)
        whole, slopes = _slopes(program, target, len(directions))
        return Reference(
            {name: _floats(array, _value) for name, array in numbers.items()},
            {name: _floats(array, _noise) for name, array in numbers.items()},
            slopes,
            tuple(target.tangents.get(k, (0, 0.0))[1] * EPSILON for k in range(len(directions))),
            program.margin,
            whole,
        )


def _leaves(
    program: ScalarProgram, graph: Graph, arguments: Point, directions: Sequence[Point]
) -> dict[str, Array]:
    """A symbol for each element of each real argument; ints and bools are concrete."""
    leaves = {}
    for node in graph.inputs:
        name = node["name"]
        array = np.asarray(arguments[name])
        leaves[name] = array
        if node.type.kind == "real":
            leaves[name] = np.empty(array.shape, object)
            for index in np.ndindex(array.shape):
                tangents = {
                    k: (program.mp.mpf(float(d[name][index])), abs(float(d[name][index])))
                    for k, d in enumerate(directions)
                    if name in d and d[name][index]
                }
                text = f"{name}[{', '.join(map(str, index))}]" if index else name
                leaves[name][index] = program.leaf(text, float(array[index]), tangents)
    return leaves


def _outputs(
    program: ScalarProgram, graph: Graph, leaves: Mapping[str, Array], sizes: Mapping[str, int]
) -> dict[str, Array]:
    results = _results(program, graph, leaves, sizes)
    return {name: value for (name, _), value in zip(graph.outputs, results)}


def _results(
    program: ScalarProgram, graph: Graph, leaves: Mapping[str, Array], sizes: Mapping[str, int]
) -> list[Array]:
    """Run the graph, dropping each array after its last use."""
    nodes = graph.nodes()
    last = {arg: node for node in nodes for arg in node.args}
    kept = {node for _, node in graph.outputs}
    values: dict[Node, Array] = {}
    for node in nodes:
        values[node] = _evaluate_node(program, node, [values[a] for a in node.args], leaves, sizes)
        for arg in set(node.args):
            if last[arg] is node and arg not in kept:
                del values[arg]
    return [values[node] for _, node in graph.outputs]


def _evaluate_node(
    program: ScalarProgram,
    node: Node,
    args: list[Array],
    leaves: Mapping[str, Array],
    sizes: Mapping[str, int],
) -> Array:
    if node.op.name == "argument":
        return leaves[node["name"]]

    def run(body: Graph, given: Mapping[str, Array]) -> list[Array]:
        return _results(program, body, given, sizes)

    if node.type.kind == TUPLE:
        return apply(node, args, sizes, run)
    if node.op in DERIVATIVES:
        return derivative(program, node, args, run)
    if node.op is ops.governed and any(map(variables_of, args[2:])):
        return governed_slopes(program, node, args, apply(node, args, sizes), sizes, run)
    if node.type.kind != "real":
        return _structural(node, args, sizes)
    if node.op.elementwise:
        return _elementwise(program, node, args)
    try:
        result = _structural(node, args, sizes)
    except NoFormula:
        if node.op.expand is None:
            raise
        result = _expanded(program, node, args, sizes)
    return _wrapped(program, result)


def _structural(node: Node, args: list[Array], sizes: Mapping[str, int]) -> Array:
    """Sums, products, selections: the reference evaluation works on numbers of any sort."""
    try:
        return apply(node, args, sizes)
    except TypeError as problem:
        raise NoFormula(f"{node.op.name} has no symbolic form") from problem


def _expanded(program: ScalarProgram, node: Node, args: list[Array], sizes: Mapping[str, int]) -> Array:
    """An op whose reference evaluation wants doubles, in terms of its parts."""
    assert node.op.expand is not None
    inputs = tuple(ops.argument(str(k), a.type) for k, a in enumerate(node.args))
    parts = Graph(inputs, (("result", node.op.expand(*inputs, **dict(node.attrs))),))
    return _outputs(program, parts, {str(k): a for k, a in enumerate(args)}, sizes)["result"]


def _wrapped(program: ScalarProgram, plain: Array) -> Array:
    """Every element as a number of the program."""
    array = np.empty(plain.shape, object)
    for index in np.ndindex(array.shape):
        array[index] = program.number(plain[index])
    return array


def _elementwise(program: ScalarProgram, node: Node, args: list[Array]) -> Array:
    """Apply the op's formula to each element; constants and conditions are parts of the formula."""
    shape = np.broadcast_shapes(*(a.shape for a in args))
    fixed = [const_value(a) for a in node.args]
    wide = [np.broadcast_to(a, shape) for a in args]
    result = np.empty(shape, object)
    for index in np.ndindex(shape):
        elements = [w[index] for w in wide]
        constants = tuple(
            bool(e) if a.type.kind == "bool" else c for a, c, e in zip(node.args, fixed, elements)
        )
        own = formula_of(node.op, constants, node.attrs)
        result[index] = program.apply(own, *(e for e, c in zip(elements, constants) if c is None))
    return result


def _contracted(program: ScalarProgram, numbers: Mapping[str, Array], cotangents: Point) -> Number:
    """⟨cotangents, outputs⟩."""
    total = program.number(0)
    for name, cotangent in cotangents.items():
        for index in np.ndindex(cotangent.shape):
            total = total + numbers[name][index] * program.number(float(cotangent[index]))
    return total


def _slopes(program: ScalarProgram, target: Number, count: int) -> tuple[str | None, tuple[float, ...]]:
    """The derivatives along the directions: of the whole formula where it is small, else by the chain."""
    chained = tuple(float(target.tangents.get(k, (0, 0.0))[0]) for k in range(count))
    if target.expression is None:
        return None, chained
    leaves = {s: leaf for s, leaf in program.leaves.items() if s in target.expression.free_symbols}
    whole = Formula(tuple(leaves), target.expression)
    slopes = [program.mp.zero] * count
    try:
        partials = whole.gradient(*(leaf.value for leaf in leaves.values()))
    except (ZeroDivisionError, ValueError, OverflowError):  # a singular point of some subformula
        return None, chained
    for partial, leaf in zip(partials, leaves.values()):
        for k, (tangent, _) in leaf.tangents.items():
            slopes[k] += partial * tangent
    return str(target.expression), tuple(float(program.real(slope)) for slope in slopes)


def _floats(array: Array, of: Callable[[Any], float]) -> Array:
    """An array of numbers (or of plain ints and bools) as floats."""
    result = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        result[index] = of(array[index]) if isinstance(array[index], Number) else array[index]
    return result


def _value(number: Number) -> float:
    return float(number.value)


def _noise(number: Number) -> float:
    return number.noise * EPSILON
