"""Adjoints of loops and branches, against differences of the interpreter, at every level of optimisation.

Each case is a model as a graph: what a front end would make of a few lines with `for`, `while`, `if`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from autodiffc.compiler import ops, sympy_check
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node, const
from autodiffc.compiler.ops.control import UNLIMITED, items
from autodiffc.compiler.ops.indexing import whole
from autodiffc.compiler.passes.adjoints import Options
from autodiffc.compiler.passes.base import run_passes
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.forward import pushed_forward
from autodiffc.compiler.passes.pipeline import Differentiate, optimisation, preparation
from autodiffc.compiler.types import INT, REAL, Dim, Type
from autodiffc.compiler.verify import verify, verifying

T, D, H = map(Dim.symbol, "TDH")
SIZES = {"T": 5, "D": 2, "H": 3}
AT = ("array", 0)


def real(*shape: Dim) -> Type:
    return Type("real", shape)


def zeros(*shape: Dim) -> Node:
    return ops.broadcast_to(const(0.0), shape=shape) if shape else const(0.0)


def body(types: Mapping[str, Type], build: Callable[..., Mapping[str, Node]]) -> Graph:
    inputs = [ops.argument(name, type_) for name, type_ in types.items()]
    outputs = build(*inputs)
    return Graph(tuple(inputs), tuple((f"{name}_next", node) for name, node in outputs.items()))


def total(x: Node) -> Node:
    return ops.sum(x, axis=tuple(range(x.rank)), keepdims=False) if x.rank else x


def at(x: Node, *positions: Node) -> Node:
    index = tuple(("array", k) for k in range(len(positions)))
    return ops.gather(x, *positions, index=(*index, *map(whole, x.shape[len(positions) :])))


@dataclass(frozen=True)
class Case:
    name: str
    arguments: Mapping[str, Type]
    build: Callable[..., Node]
    ints: tuple[str, ...] = ()

    def graph(self) -> Graph:
        inputs = tuple(ops.argument(name, type_) for name, type_ in self.arguments.items())
        return Graph(inputs, (("L", self.build(*inputs)),))


def _rnn(x: Node, W: Node, U: Node) -> Node:
    def step(t: Node, h: Node, x: Node, W: Node, U: Node) -> Mapping[str, Node]:
        new = ops.tanh(at(x, t) @ W + h @ U)
        return {"h": new, "hs": new}

    types = {"t": INT, "h": real(H), "x": x.type, "W": W.type, "U": U.type}
    h, hs, _ = items(
        ops.loop(ops.dim_value(T), zeros(H), x, W, U, body=body(types, step), carried=1, length=T)
    )
    return total(ops.square(hs)) + total(ops.sin(h))


def _logistic(x: Node, r: Node) -> Node:
    def step(t: Node, x: Node, y: Node, r: Node) -> Mapping[str, Node]:
        return {"x": r * x * (1.0 - x), "y": x}

    types = {"t": INT, "x": REAL, "y": REAL, "r": REAL}
    x_last, y_last, _ = items(
        ops.loop(const(7), x, const(0.5), r, body=body(types, step), carried=2, length=Dim.of(7))
    )
    return x_last * y_last + x


def _array(x: Node, w: Node) -> Node:
    def step(t: Node, A: Node, x: Node, w: Node) -> Mapping[str, Node]:
        before = at(A, ops.maximum(t - 1, 0))
        return {"A": ops.set_at(A, ops.sin(before * w + at(x, t)), t, index=(AT,), once=True)}

    types = {"t": INT, "A": real(T), "x": x.type, "w": REAL}
    A, _ = items(ops.loop(ops.dim_value(T), zeros(T), x, w, body=body(types, step), carried=1, length=T))
    return total(A * A * w)


def _branch(x: Node, w: Node) -> Node:
    def step(t: Node, s: Node, x: Node, w: Node) -> Mapping[str, Node]:
        given = {"t": INT, "s": REAL, "x": x.type, "w": REAL}
        then = body(given, lambda t, s, x, w: {"s": s * ops.sin(w) + at(x, t)})
        orelse = body(given, lambda t, s, x, w: {"s": ops.exp(-s) * w})
        (new,) = items(ops.branch(s < 0.3, t, s, x, w, then=then, orelse=orelse))
        return {"s": new}

    types = {"t": INT, "s": REAL, "x": x.type, "w": REAL}
    s, _ = items(ops.loop(ops.dim_value(T), const(0.1), x, w, body=body(types, step), carried=1, length=T))
    return s * s


def _nested(x: Node, w: Node) -> Node:
    steps = Dim.symbol("_steps1")

    def inner(j: Node, s: Node, i: Node, x: Node, w: Node) -> Mapping[str, Node]:
        return {"s": ops.sin(s * w + at(x, i) * at(x, j))}

    def outer(i: Node, s: Node, x: Node, w: Node) -> Mapping[str, Node]:
        types = {"j": INT, "s": REAL, "i": INT, "x": x.type, "w": REAL}
        loop = ops.loop(i, s, i, x, w, body=body(types, inner), carried=1, length=steps)
        return {"s": items(loop)[0]}

    types = {"i": INT, "s": REAL, "x": x.type, "w": REAL}
    s, _ = items(ops.loop(ops.dim_value(T), const(0.2), x, w, body=body(types, outer), carried=1, length=T))
    return s + w


def _matrices(x: Node, W: Node, U: Node) -> Node:
    """An inner loop over layers, whose carried state is an array that the outer loop carries on."""

    def inner(j: Node, z: Node, U: Node) -> Mapping[str, Node]:
        return {"z": ops.tanh(z @ U)}

    def outer(t: Node, h: Node, x: Node, W: Node, U: Node) -> Mapping[str, Node]:
        types = {"j": INT, "z": real(H), "U": U.type}
        z = at(x, t) @ W + h
        return {"h": items(ops.loop(const(2), z, U, body=body(types, inner), carried=1, length=Dim.of(2)))[0]}

    types = {"t": INT, "h": real(H), "x": x.type, "W": W.type, "U": U.type}
    h, _ = items(ops.loop(ops.dim_value(T), zeros(H), x, W, U, body=body(types, outer), carried=1, length=T))
    return total(h)


def _newton(a: Node, w: Node) -> Node:
    """while |y*y - a| > 1e-3: y = (y + a / y) / 2, from w on"""
    types = {"k": INT, "y": REAL, "a": REAL}
    step = body(types, lambda k, y, a: {"y": (y + a / y) * 0.5})
    condition = body(types, lambda k, y, a: {"c": ops.abs(y * y - a) > 1e-3})
    loop = ops.loop(
        const(UNLIMITED),
        w + 3.0,
        a * a + 1.0,
        body=step,
        condition=condition,
        carried=1,
        length=Dim.symbol("_steps1"),
    )
    return ops.sin(items(loop)[0])


def _counted(x: Node, n: Node, w: Node) -> Node:
    types = {"k": INT, "s": REAL, "x": x.type, "w": REAL}
    step = body(types, lambda k, s, x, w: {"s": s * w + at(x, k), "q": ops.exp(s)})
    loop = ops.loop(n, const(1.0), x, w, body=step, carried=1, length=Dim.symbol("_steps1"))
    s, _, _ = items(loop)
    return s * s


def _loop_in_branch(x: Node, w: Node) -> Node:
    def looped(x: Node, w: Node) -> Mapping[str, Node]:
        types = {"k": INT, "s": REAL, "x": x.type, "w": REAL}
        step = body(types, lambda k, s, x, w: {"s": ops.cos(s * w) + at(x, k)})
        loop = ops.loop(ops.dim_value(T), w, x, w, body=step, carried=1, length=T)
        return {"s": items(loop)[0]}

    given = {"x": x.type, "w": REAL}
    orelse = body(given, lambda x, w: {"s": total(x) * w})
    branch = ops.branch(w < 10.0, x, w, then=body(given, looped), orelse=orelse)
    return ops.square(items(branch)[0]) + total(x * x)


def _swapped(x: Node, w: Node) -> Node:
    """a, b = b, a + w*b: with a result that is a carried value, and an operand used twice."""
    types = {"t": INT, "a": REAL, "b": REAL, "c": REAL}
    step = body(types, lambda t, a, b, c: {"a": b, "b": a + c * b * c})
    loop = ops.loop(ops.dim_value(T), w, w, w, body=step, carried=2, length=T)
    a, b, _ = items(loop)
    return a * b + total(x)


def _no_steps(x: Node, w: Node) -> Node:
    types = {"t": INT, "s": REAL, "x": x.type}
    step = body(types, lambda t, s, x: {"s": at(x, t), "q": s})
    s, q, _ = items(ops.loop(const(0), w * w, x, body=step, carried=1, length=Dim.of(0)))
    return s * 3.0 + total(q)


def _filled(x: Node, W: Node, U: Node) -> Node:
    """hs[t] = …, out = hs @ U in the loop; total += …: with much that may leave the loop."""

    def step(t: Node, h: Node, hs: Node, out: Node, s: Node, x: Node, W: Node, U: Node) -> Mapping[str, Node]:
        new = ops.tanh(at(x, ops.dim_value(T) - 1 - t) @ W + h @ (U + 1.0))
        y = new @ U
        return {
            "h": new,
            "hs": ops.set_at(hs, new, t, index=(AT, whole(H)), once=True),
            "out": ops.set_at(out, total(y * new), t, index=(AT,), once=True),
            "s": s + total(ops.square(y - at(hs, ops.maximum(t - 1, 0 * t)))),
        }

    types = {
        "t": INT,
        "h": real(H),
        "hs": real(T, H),
        "out": real(T),
        "s": REAL,
        "x": x.type,
        "W": W.type,
        "U": U.type,
    }
    start = (zeros(H), zeros(T, H), zeros(T), const(0.0))
    loop = ops.loop(ops.dim_value(T), *start, x, W, U, body=body(types, step), carried=4, length=T)
    h, hs, out, s, _ = items(loop)
    return total(ops.sin(hs)) + total(out * out) + s + total(h)


def _summed(x: Node, W: Node, U: Node) -> Node:
    """A sum over steps that no step depends on, of rows read from the back and of a gather."""

    def step(t: Node, s: Node, z: Node, x: Node, W: Node, U: Node) -> Mapping[str, Node]:
        y = ops.sin(at(x, t) @ W) @ U
        return {
            "s": s + total(y) * ops.to_real(t),
            "z": ops.add_at(z, y, ops.mod(t, const(2)), index=(AT, whole(H))),
        }

    types = {"t": INT, "s": REAL, "z": real(Dim.of(2), H), "x": x.type, "W": W.type, "U": U.type}
    start = (const(1.0), ops.broadcast_to(const(0.5), shape=(Dim.of(2), H)))
    loop = ops.loop(ops.dim_value(T), *start, x, W, U, body=body(types, step), carried=2, length=T)
    s, z, _ = items(loop)
    return s + total(ops.square(z))


def _read_sum(x: Node, W: Node, U: Node) -> Node:
    """u += p in each step, of which a step reads an element: in the adjoint a sum adds up another one."""

    def step(t: Node, u: Node, s: Node, x: Node, p: Node) -> Mapping[str, Node]:
        new = u + p
        return {"u": new, "s": ops.tanh(s * at(new, ops.mod(t, const(2))) + total(at(x, t)))}

    types = {"t": INT, "u": real(H), "s": REAL, "x": x.type, "p": real(H)}
    given = (zeros(H), const(0.3), x, total(W) * 0.1 * ops.sum(U, axis=(0,), keepdims=False))
    u, s, _ = items(ops.loop(ops.dim_value(T), *given, body=body(types, step), carried=2, length=T))
    return s * total(u * u)


def _recomputed(x: Node, W: Node, U: Node, **attrs: bool) -> Node:
    def step(t: Node, h: Node, x: Node, W: Node, U: Node) -> Mapping[str, Node]:
        return {"h": ops.tanh(ops.exp(at(x, t) @ W) + h @ U)}

    types = {"t": INT, "h": real(H), "x": x.type, "W": W.type, "U": U.type}
    loop = ops.loop(ops.dim_value(T), zeros(H), x, W, U, body=body(types, step), carried=1, length=T, **attrs)
    return total(items(loop)[0])


MATRICES = {"x": real(T, D), "W": real(D, H), "U": real(H, H)}
VECTOR = {"x": real(T), "w": REAL}
CASES = [
    Case("rnn", MATRICES, _rnn),
    Case("logistic", {"x": REAL, "r": REAL}, _logistic),
    Case("array", VECTOR, _array),
    Case("branch", VECTOR, _branch),
    Case("nested", VECTOR, _nested),
    Case("matrices", MATRICES, _matrices),
    Case("newton", {"a": REAL, "w": REAL}, _newton),
    Case("counted", {"x": real(T), "n": INT, "w": REAL}, _counted),
    Case("loop in branch", VECTOR, _loop_in_branch),
    Case("swapped", VECTOR, _swapped),
    Case("no steps", VECTOR, _no_steps),
    Case("recomputed", MATRICES, lambda *x: _recomputed(*x, recompute=True)),
    Case("checkpointed", MATRICES, lambda *x: _recomputed(*x, checkpoint=True)),
    Case("filled", MATRICES, _filled),
    Case("summed", MATRICES, _summed),
    Case("read sum", MATRICES, _read_sum),
]


def point(case: Case) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    values = {}
    for name, type_ in case.arguments.items():
        shape = tuple(dim.evaluate(SIZES) for dim in type_.shape)
        values[name] = np.asarray(4) if type_.kind == "int" else rng.uniform(0.1, 0.9, shape)
    return values


def differences(graph: Graph, output: str, name: str, values: Mapping[str, np.ndarray]) -> np.ndarray:
    slope = np.zeros_like(values[name])
    for place in np.ndindex(*slope.shape):
        step = np.zeros_like(slope)
        step[place] = 1e-6
        high, low = (
            evaluate(graph, {**values, name: values[name] + sign * step}, SIZES)[output] for sign in (1, -1)
        )
        slope[place] = (high - low) / 2e-6
    return slope


def derived(graph: Graph, level: int) -> Graph:
    wrt = tuple(n["name"] for n in graph.inputs if n.type.kind == "real")
    prepared = run_passes(preparation(level, {}), graph, verifying)
    steps = (Differentiate("L", wrt, level=level), *optimisation(level, len(wrt)))
    return run_passes(steps, prepared, verifying)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gradient_is_that_of_differences(case: Case, level: int) -> None:
    graph, values = case.graph(), point(case)
    verify(graph, "the test")
    found = evaluate(derived(graph, level), values, SIZES)
    np.testing.assert_allclose(found["L"], evaluate(graph, values, SIZES)["L"], rtol=1e-14)
    for name, type_ in case.arguments.items():
        if type_.kind == "real":
            expected = differences(graph, "L", name, values)
            np.testing.assert_allclose(found[f"d_{name}"], expected, rtol=2e-7, atol=2e-8, err_msg=name)
            assert found[f"d_{name}"].shape == values[name].shape


@pytest.mark.parametrize("case", [c for c in CASES if c.name not in ("counted",)], ids=lambda case: case.name)
def test_the_second_derivative_is_that_of_differences(case: Case) -> None:
    values = point(case)
    name = next(iter(case.arguments))
    first = derived(case.graph(), 0)
    slope = Graph(first.inputs, (("L", total(ops.sin(first.output(f"d_{name}")))),))
    found = evaluate(derived(slope, 0), values, SIZES)
    for other, type_ in case.arguments.items():
        if type_.kind == "real":
            expected = differences(slope, "L", other, values)
            np.testing.assert_allclose(found[f"d_{other}"], expected, rtol=1e-6, atol=1e-7, err_msg=other)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_scalar_expansion_goes_through_bodies(case: Case) -> None:
    values = point(case)
    graph = case.graph()
    direction = {n: np.ones_like(v) for n, v in values.items() if v.dtype.kind == "f"}
    reference = sympy_check.evaluate(graph, values, SIZES, {"L": np.array(1.0)}, [direction])
    found = evaluate(derived(graph, 1), values, SIZES)
    slope = sum(found[f"d_{name}"].sum() for name in direction)
    np.testing.assert_allclose(reference.values["L"], found["L"], rtol=1e-13)
    np.testing.assert_allclose(reference.slopes, [slope], rtol=1e-11)


def directed(
    graph: Graph, output: str, values: Mapping[str, np.ndarray]
) -> tuple[Graph, dict[str, np.ndarray]]:
    """The graph with the tangent of an output, and random tangents of all real arguments."""
    rng = np.random.default_rng(7)
    seeds = {
        n["name"]: ops.argument(f"{n['name']}_dot", n.type) for n in graph.inputs if n.type.kind == "real"
    }
    joint = pushed_forward(graph, [output], seeds, Options())
    return joint, {f"{name}_dot": rng.normal(size=values[name].shape) for name in seeds}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_tangent_is_the_gradient_along_a_direction(case: Case, level: int) -> None:
    values = point(case)
    prepared = run_passes(preparation(level, {}), case.graph(), verifying)
    joint, dots = directed(prepared, "L", values)
    verify(joint, "forward mode")
    joint = run_passes(optimisation(level, 1), joint, verifying)
    found = evaluate(joint, {**values, **dots}, SIZES)
    slopes = evaluate(derived(case.graph(), 0), values, SIZES)
    expected = sum(np.sum(slopes[f"d_{name[:-4]}"] * dot) for name, dot in dots.items())
    np.testing.assert_allclose(found["L_dot"], expected, rtol=1e-11)
    np.testing.assert_allclose(found["L"], slopes["L"], rtol=1e-13)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("case", [c for c in CASES if c.name not in ("counted",)], ids=lambda case: case.name)
def test_forward_over_reverse_is_reverse_over_reverse(case: Case, level: int) -> None:
    values = point(case)
    name = next(iter(case.arguments))
    first = derived(case.graph(), level)
    slope = Dce().run(Graph(first.inputs, (("L", total(ops.sin(first.output(f"d_{name}")))),)))
    joint, dots = directed(slope, "L", values)
    verify(joint, "forward mode")
    joint = run_passes(optimisation(level, 1), joint, verifying)
    found = evaluate(joint, {**values, **dots}, SIZES)["L_dot"]
    slopes = evaluate(derived(slope, 0), values, SIZES)
    expected = sum(np.sum(slopes[f"d_{key[:-4]}"] * dot) for key, dot in dots.items())
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
