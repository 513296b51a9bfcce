"""Measures the numbers of the cost model afresh, and prints them in the form of `compiler/cost/measured.py`.

    OPENBLAS_NUM_THREADS=1 python benchmarks/calibrate.py
    NPY_DISABLE_CPU_FEATURES="…" OPENBLAS_CORETYPE=Haswell python benchmarks/calibrate.py

The second line, with NumPy's names of its AVX512 features (`np.show_config()` lists them), measures what a
CPU without AVX512 would need. Each number is the minimum of many short batches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from autodiffc.codegen.routines import ROUTINES
from autodiffc.compiler import ops
from autodiffc.compiler.cost import detected
from autodiffc.compiler.ir import OPS, Node, Op
from autodiffc.compiler.types import Dim, Kind, Type, TypeProblem

SMALL, LARGE = 4, 4096  # elements: a call alone, and arrays that stay in the first cache
ATTRIBUTES: dict[str, dict[str, Any]] = {"polygamma": {"n": 1}}


def nanoseconds(run: Callable[[], Any], batch: float = 0.002, repeats: int = 9) -> float:
    """The minimum over short batches of the time of one run."""
    run()
    start = time.perf_counter()
    run()
    count = max(1, int(batch / max(time.perf_counter() - start, 1e-8)))
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            run()
        best = min(best, (time.perf_counter() - start) / count)
    return 1e9 * best


EMPTY = nanoseconds(lambda run=(lambda a: a): run(0))  # what a call of a function costs by itself


def example(op: Op) -> Node | None:
    """The op on vectors of the kinds that it takes."""

    def vector(name: str, kind: Kind) -> Node:
        return ops.argument(name, Type(kind, (Dim.of(LARGE),)))

    choices: tuple[tuple[Kind, Kind], ...] = (("real", "real"), ("bool", "real"), ("bool", "bool"))
    for condition, other in choices:
        kinds = [condition if p == "c" else other for p in op.params]
        try:
            return op(*map(vector, op.params, kinds), **ATTRIBUTES.get(op.name, {}))
        except TypeProblem:
            continue
    return None


def drawn(node: Node, count: int) -> list[Any]:
    """Arguments of the op, in its domain."""
    rng = np.random.default_rng(0)
    found: list[Any] = []
    for k, arg in enumerate(node.args):
        low, high = node.op.domain[k] if k < len(node.op.domain) else (-3.0, 3.0)
        values = rng.uniform(max(low, -3.0) + 1e-3, min(high, 3.0) - 1e-3, count)
        found.append(values > values.mean() if arg.type.kind == "bool" else values)
    return found


def function(node: Node) -> Callable[..., Any]:
    """The op's text as a function."""
    text = node.op.py if isinstance(node.op.py, str) else node.op.py(node, str)
    names = {"np": np, "math": math, "_REAL": np.float64, **ROUTINES}
    made: Callable[..., Any] = eval(f"lambda {', '.join(node.op.params)}: {text}", names)
    return made


def elementwise() -> Iterator[tuple[str, float, float]]:
    """For each elementwise op: ns for an element, ns for a call."""
    for op in OPS.values():
        node = example(op) if op.elementwise else None
        if node is None:
            continue
        run = function(node)
        with np.errstate(all="ignore"):
            small, large = (nanoseconds(partial(run, *drawn(node, n))) for n in (SMALL, LARGE))
        yield op.name, max(large - small, 0.0) / (LARGE - SMALL), small - EMPTY


def others() -> Iterator[tuple[str, float, float]]:
    """The same for what is not elementwise, each on a square matrix of 64 rows."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 4, 4096)
    cases: dict[str, Callable[..., Any]] = {
        "sum": lambda a: a.sum(),
        "max": lambda a: a.max(),
        "prod": lambda a: a.prod(),
        "argmax": lambda a: a.argmax(axis=1),
        "any": lambda a: (a > 9.0).any(),
        "cumsum": lambda a: a.cumsum(axis=1),
        "norm": lambda a: np.linalg.norm(a),
        "concatenate": lambda a: np.concatenate((a, a)),
        "view": lambda a: a.reshape(-1),
        "take": lambda a: a.take(places[: a.size]),
        "scatter": lambda a: np.add.at(a.ravel(), places[: a.size], 0.5),
        "roll": lambda a: np.roll(a, 1, axis=1),
    }
    for name, run in cases.items():
        small, large = (nanoseconds(partial(run, np.ones((n, n)))) for n in (2, 64))
        yield name, max(large - small, 0.0) / (64 * 64 - 4), small - EMPTY


def products() -> Iterator[tuple[str, float]]:
    rng = np.random.default_rng(0)

    def square(n: int) -> np.ndarray:
        return rng.normal(size=(n, n))

    a, s, t = square(384), square(2), square(64)
    call = nanoseconds(lambda: s @ s)
    yield "matmul_call", call
    yield "gemm_flops", 2 * 384**3 / nanoseconds(lambda: a @ a)
    yield "gemv_bytes", 8 * 384**2 / nanoseconds(lambda v=a[0]: a @ v)
    definite = t @ t.T + np.eye(64)
    yield "lapack_flops", 64**3 * 2 / 3 / nanoseconds(lambda: np.linalg.solve(definite, t[0]))
    yield "lapack_call", nanoseconds(lambda: np.linalg.inv(s))
    yield "einsum_flops", 2 * 64**3 / nanoseconds(lambda: np.einsum("ij,jk->ik", t, t))


def memory() -> Iterator[tuple[str, float]]:
    big = np.ones(8_000_000)
    out = np.ones(8_000_000)
    yield "memory_bytes", 16 * big.size / nanoseconds(lambda: np.negative(big, out), repeats=5)
    fresh = nanoseconds(lambda: np.negative(big), repeats=5) - nanoseconds(lambda: np.negative(big, out))
    yield "fault", fresh / (8 * big.size / 4096)


def scalars() -> Iterator[tuple[str, float]]:
    loop = range(1000)

    def plain(x: float = 0.3, y: float = 0.7) -> float:
        for _ in loop:
            x = x * y
        return x

    def called(x: float = 0.3) -> float:
        for _ in loop:
            x = math.cos(x)
        return x

    def idle() -> None:
        for _ in loop:
            pass

    empty = nanoseconds(idle)
    yield "scalar", (nanoseconds(plain) - empty) / 1000
    yield "scalar_call", (nanoseconds(called) - empty) / 1000


def main() -> None:
    name = detected().name
    print(f"{name}_OPS = {{")
    for op, element, call in (*elementwise(), *others()):
        print(f'    "{op}": ({element:.2f}, {call:.0f}),')
    print(f"}}\n{name}_NUMBERS = {{")
    for what, value in (*products(), *memory(), *scalars()):
        print(f'    "{what}": {value:.2f},')
    print("}")


if __name__ == "__main__":
    main()
