"""The reference in scalars: exact where the answer is known, beyond double precision, kinks measured."""

from __future__ import annotations

from math import cos, exp, inf, isclose, log, sqrt

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.formulas import NoFormula, constant, formula, formula_of
from autodiffc.compiler.ir import OPS, Array, Graph, Node, NonDiff, Op, topological
from autodiffc.compiler.scalars import ScalarProgram, TooLarge
from autodiffc.compiler.sympy_check import Reference, evaluate
from autodiffc.compiler.types import REAL, Dim, Type, TypeProblem

ONE = np.array(1.0)
x, y = ops.argument("x", REAL), ops.argument("y", REAL)
v = ops.argument("v", Type("real", (Dim.symbol("N"),)))


def reference(node: Node, seconds: float = inf, **point: float) -> Reference:
    """The derivatives by each scalar argument, in the order given."""
    inputs = tuple(n for n in topological([node]) if n.op.name == "argument")
    arguments = {name: np.array(value) for name, value in point.items()}
    directions = [{name: ONE} for name in point]
    return evaluate(Graph(inputs, (("f", node),)), arguments, {}, {"f": ONE}, directions, seconds=seconds)


def test_the_lecture_example() -> None:
    found = reference((x + y) * ops.maximum(y, ops.const(0.0)), x=1.0, y=2.0)
    assert found.values["f"] == 6.0
    assert found.slopes == (2.0, 5.0)


def test_a_small_formula_is_differentiated_whole() -> None:
    found = reference(ops.log(x) + x * y - ops.sin(y), x=2.0, y=5.0)
    assert found.formula == "x*y + log(x) - sin(y)"
    assert found.values["f"] == pytest.approx(11.652071455223084, rel=1e-15)
    assert found.slopes == pytest.approx((5.5, 2.0 - cos(5.0)), rel=1e-15)


def test_a_large_one_is_chained_and_agrees() -> None:
    node = x
    for _ in range(70):
        node = ops.sin(node) + 0.5 * x
    found = reference(node, x=0.7)
    assert found.formula is None
    value, slope = 0.7, 1.0
    for _ in range(70):
        value, slope = np.sin(value) + 0.5 * 0.7, cos(value) * slope + 0.5
    assert found.slopes[0] == pytest.approx(slope, rel=1e-13)


def test_a_long_chain_does_not_recurse() -> None:
    node = x
    for _ in range(20_000):
        node = ops.neg(node)
    assert reference(node, x=3.0).slopes == (1.0,)


def test_nothing_overflows_or_cancels() -> None:
    naive = ops.log(1.0 + ops.exp(x)) - x
    assert reference(naive, x=100.0).values["f"] == pytest.approx(exp(-100.0), rel=1e-5)
    assert reference(ops.log(ops.exp(x)), x=1000.0).slopes == (1.0,)


def test_constants_are_exact_doubles() -> None:
    assert float(constant(0.1)) == 0.1
    assert str(constant(2.0)) == "2"
    assert str(constant(-0.5)) == "-1/2"
    found = reference(x * 0.1 - x * 0.1000000000000001, x=1.0)
    assert found.slopes[0] == pytest.approx(0.1 - 0.1000000000000001, rel=1e-9)


def test_a_branch_that_is_not_taken_leaves_no_nan() -> None:
    guarded = ops.where(x > 0.0, ops.sqrt(x), 0.0)
    assert reference(guarded, x=-1.0).slopes == (0.0,)
    assert reference(guarded, x=4.0).slopes == (0.25,)


def test_the_distance_to_a_kink_is_measured_in_steps() -> None:
    near = reference(ops.relu(x * 1000.0), x=1e-4)
    far = reference(ops.relu(x * 1000.0), x=1.0)
    assert near.margin == pytest.approx(10.0)  # 0.1 away, a step of 1e-5 goes 0.01 far
    assert far.margin == pytest.approx(1e5)
    assert reference(ops.exp(x), x=0.0).margin == inf


def test_a_choice_between_elements_is_a_kink_too() -> None:
    top = Graph((v,), (("f", ops.max(v, axis=(0,), keepdims=False)),))
    directions = [{"v": row} for row in np.eye(3)]
    found = evaluate(top, {"v": np.array([1.0, 3.0, 2.999])}, {"N": 3}, {"f": ONE}, directions)
    assert found.slopes == (0.0, 1.0, 0.0)
    assert found.margin == pytest.approx(100.0, rel=1e-3)


def test_arrays_and_cotangents() -> None:
    node = ops.exp(v) * ops.sum(v, axis=(0,), keepdims=False)
    point, weights = np.array([0.5, -1.0]), np.array([2.0, -3.0])
    found = evaluate(
        Graph((v,), (("f", node),)), {"v": point}, {"N": 2}, {"f": weights}, [{"v": row} for row in np.eye(2)]
    )
    expected = weights * np.exp(point) * point.sum() + (weights * np.exp(point)).sum()
    assert found.slopes == pytest.approx(tuple(expected), rel=1e-15)


def test_values_know_their_rounding_error() -> None:
    found = reference(x - y, x=1e8, y=1e8 + 1.0)
    assert found.values["f"] == -1.0
    assert 1e-17 < found.noise["f"] < 1e-15  # the arguments are exact
    lossy = reference(x * 3.0 - y * 3.0, x=1e8, y=1e8 + 1.0)
    assert 1e-9 < lossy.noise["f"] < 1e-6


def test_the_time_is_bounded() -> None:
    node = x
    for _ in range(5_000):
        node = ops.sin(node)
    with pytest.raises(TooLarge):
        reference(node, seconds=0.0, x=1.0)


def test_a_number_cannot_be_tested_nor_cast() -> None:
    number = ScalarProgram().number(1.0)
    with pytest.raises(TypeError):
        bool(number)
    with pytest.raises(TypeError):
        np.array([number], dtype=object).astype(float)


def test_numpy_computes_with_numbers() -> None:
    program = ScalarProgram(steps=(1e-5,) * 3)
    numbers: Array = np.array(
        [program.leaf(f"a{k}", 1.0 + k, {k: (1.0, 1.0)}) for k in range(3)], dtype=object
    )
    norm = np.sqrt(np.sum(numbers**2))
    assert isclose(norm.value, sqrt(14.0))
    assert [float(norm.tangents[k][0]) for k in range(3)] == pytest.approx(
        [k / sqrt(14.0) for k in (1, 2, 3)]
    )
    assert np.argmax(numbers) == 2
    assert isclose(np.log(np.exp(-numbers).sum()).value, log(sum(exp(-k) for k in (1, 2, 3))))


def test_an_op_without_symbolic_form_is_named() -> None:
    op = Op("opaque", ("x",), "", lambda t: t, lambda a: np.frompyfunc(float, 1, 1)(a), NonDiff(""), "x")
    with pytest.raises(NoFormula, match="opaque has no symbolic form"):
        reference(op(x), x=1.0)


def of_reals(op: Op) -> bool:
    """Whether the op makes reals of reals, and takes nothing else: polygamma's order is an attribute."""
    try:
        return op.elementwise and op(*(ops.argument(p, REAL) for p in op.params)).type.kind == "real"
    except (TypeProblem, TypeError):
        return False


@pytest.mark.parametrize("op", list(filter(of_reals, OPS.values())), ids=lambda op: op.name)
def test_every_formula_is_the_value_of_its_op(op: Op) -> None:
    """A formula that is not its op's would prove nothing."""
    random = np.random.default_rng(3)
    own = formula_of(op, (None,) * len(op.params))
    for _ in range(20):
        point = [random.uniform(max(low, -3.0), min(high, 3.0)) for low, high in op.domain or [(-2.0, 2.0)]]
        assert float(own.value(*point)) == pytest.approx(
            float(op.eval(*map(np.float64, point))), rel=1e-9, abs=1e-12
        )


def test_formulas_know_what_they_are() -> None:
    assert formula("exp(x)/(1 + x**2)", "x").analytic
    assert not formula("Abs(x)", "x").analytic
    assert [str(k.expression) for k in formula("Abs(x) + Max(x, y)", "x", "y").kinks] == ["x", "x - y"]
