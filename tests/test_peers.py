"""What the own tests of JAX, PyTorch, autograd and Tangent cover, as far as this language has it.

Rows are compiled many to a model: each brings its own arguments, an output for its value, and its share of
the target, weighted at random. Values are NumPy's and SciPy's; gradients are those known at the row's point, or
extrapolated central differences of the reference; second derivatives are differences of the gradient.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product
from operator import add
from types import ModuleType
from typing import Any

import numpy as np
import peer_arrays
import peer_elementwise
import peer_functions
import peer_special
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.grammar.source import Source
from peers import Array, Row

KINDS = {"f": "real", "i": "int", "b": "bool"}
STEP = 2e-4
AT_ONCE = 40


@dataclass(frozen=True)
class Batch:
    """Rows that are compiled as one model; with `symbolic` sizes, dims are bound when it is called."""

    name: str
    rows: tuple[Row, ...]
    symbolic: bool
    levels: tuple[int, ...]
    prelude: str

    def __str__(self) -> str:
        return f"{self.name}, {'dims' if self.symbolic else 'numbers'}"

    @cached_property
    def values(self) -> list[Array]:
        return [row.value() for row in self.rows]

    @cached_property
    def weights(self) -> list[Array]:
        rng = np.random.default_rng(len(self.rows))
        return [
            np.ones(v.shape) if r.known else rng.normal(size=v.shape) for r, v in zip(self.rows, self.values)
        ]

    def differentiated(self) -> list[int]:
        return [k for k, value in enumerate(self.values) if value.dtype.kind == "f"]

    @cached_property
    def arguments(self) -> dict[str, Array]:
        """In the order of the declarations."""
        own = {f"{n}_{k}": v for k, row in enumerate(self.rows) for n, v in row.values.items()}
        return own | {f"weight_{k}": self.weights[k] for k in self.differentiated()}

    def wrt(self) -> list[str]:
        active = [f"{n}_{k}" for k in self.differentiated() for n in self.rows[k].values]
        return [name for name in active if self.arguments[name].dtype.kind == "f"]

    def type_of(self, value: Array) -> str:
        sizes = [f"n{s}" if self.symbolic and s != 1 else str(s) for s in value.shape]
        return KINDS[value.dtype.kind] + (f"[{', '.join(sizes)}]" if sizes else "")

    def row_of(self, argument: str) -> Row:
        return self.rows[int(argument.rpartition("_")[2])]

    def text(self) -> str:
        sizes = sorted({s for a in self.arguments.values() for s in a.shape if s != 1})
        head = f"dim {', '.join(f'n{s}' for s in sizes)}\n" if self.symbolic and sizes else ""
        head += "".join(f"input {name}: {self.type_of(value)}\n" for name, value in self.arguments.items())
        body = "".join(f"output r_{k} = {self.called(k)}\n" for k in range(len(self.rows)))
        total = " + ".join(f"sum(weight_{k} * r_{k})" for k in self.differentiated()) or "0.0"
        target = f"grad L wrt {', '.join(self.wrt())}\n" if self.wrt() else ""
        return f"{self.prelude}{self.functions()}{head}{body}output L = {total}\n{target}"

    def called(self, k: int) -> str:
        return f"row_{k}({', '.join(f'{name}_{k}' for name in self.rows[k].values)})"

    def functions(self) -> str:
        return "".join(
            f"def row_{k}({', '.join(r.values)}):\n    return {r.text}\n" for k, r in enumerate(self.rows)
        )

    @cached_property
    def program(self) -> Program:
        return program_of(Source("rows.dsl", self.text()))

    @cached_property
    def modules(self) -> dict[int, ModuleType]:
        return {}

    def module(self, level: int) -> ModuleType:
        if level not in self.modules:
            self.modules[level] = module_of(module_text(self.program, Options(level=level)), "rows")
        return self.modules[level]

    @cached_property
    def slopes(self) -> dict[str, Array]:
        """By argument: what the gradient must be."""
        return dict(pair for k in self.differentiated() for pair in self._slopes(k))

    def _slopes(self, k: int) -> Iterator[tuple[str, Array]]:
        row = self.rows[k]
        for name, value in row.values.items():
            if value.dtype.kind == "f":
                known = row.known.get(name, np.zeros(value.shape) if row.known else None)
                yield f"{name}_{k}", differences(row, name, self.weights[k]) if known is None else known


def differences(row: Row, name: str, weight: Array) -> Array:
    """Central differences with two steps, extrapolated: exact up to the fifth derivative."""

    def change(place: tuple[int, ...], step: float) -> float:
        ends = []
        for sign in (1, -1):
            moved = row.values[name].astype(float)
            moved[place] += sign * step
            ends.append(row.value(**{name: moved}))
        return float((weight * (ends[0] - ends[1])).sum()) / (2 * step)

    result = np.zeros(row.values[name].shape)
    for place in np.ndindex(result.shape):
        result[place] = (4 * change(place, STEP) - change(place, 2 * STEP)) / 3
    return result


def batches(name: str, rows: list[Row], prelude: str) -> Iterator[Batch]:
    """Rows whose text has no sizes are compiled twice: for sizes that are numbers, and for dims."""
    for fixed, second in product((False, True), repeat=2):
        chosen = tuple(r for r in rows if (r.fixed, r.second) == (fixed, second))
        for k in range(0, len(chosen), AT_ONCE):
            for symbolic in (False,) if fixed else (False, True):
                levels = (0, 1, 2) if fixed else (1,) if symbolic else (0, 2)
                yield Batch(
                    f"{name} {k}{' fixed' * fixed}", chosen[k : k + AT_ONCE], symbolic, levels, prelude
                )


TABLES = (peer_elementwise, peer_arrays, peer_special, peer_functions)
BATCHES = [
    batch
    for table in TABLES
    for name, rows in table.GROUPS.items()
    for batch in batches(name, rows, getattr(table, "PRELUDE", ""))
]


def close(found: Array, expected: Array, tolerance: float) -> bool:
    scale = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected))
    return bool(
        np.shape(found) == expected.shape
        and np.allclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    )


def apart(found: Array, expected: Array) -> str:
    """The first element that differs most, and its place."""
    if np.shape(found) != expected.shape:
        return f"has the shape {np.shape(found)}, not {expected.shape}"
    with np.errstate(invalid="ignore"):
        distance = np.nan_to_num(np.abs(np.subtract(found, expected, dtype=float)), nan=np.inf)
    distance = np.where(np.equal(found, expected) | np.isnan(found) & np.isnan(expected), 0.0, distance)
    place = np.unravel_index(np.argmax(distance), expected.shape)
    return f"is {np.asarray(found)[place]!r}, not {expected[place]!r}, at {[*map(int, place)]}"


def compare(batch: Batch, module: ModuleType) -> None:
    arguments = [a if a.shape else a.item() for a in batch.arguments.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if any(r.known for r in batch.rows) else "error")
        outputs, cache = module.forward(*arguments) if batch.wrt() else (module.predict(*arguments), None)
        gradients = [module.value_and_grad(*arguments)[1], module.backward(cache)] if batch.wrt() else []
    wrong = [
        f"{row}: value {apart(found, value)}"
        for row, found, value in zip(batch.rows, outputs, batch.values)
        if not close(found, value, 1e-11)
    ]
    for grads in gradients:
        for name, expected in batch.slopes.items():
            found = getattr(grads, name)
            if not close(found, expected, 1e-8):
                row = batch.row_of(name)
                wrong.append(f"{row}: d_{name} {apart(found, expected)}{row.why and f' ({row.why})'}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("batch", "level"), [(b, level) for b in BATCHES for level in b.levels], ids=str)
def test_rows(batch: Batch, level: int) -> None:
    compare(batch, batch.module(level))


TIGHT = re.compile(r"\b(sigmoid|tanh|log_softmax|logsumexp|cross_entropy)\(")


@pytest.mark.parametrize("batch", [b for b in BATCHES if any(TIGHT.search(r.text) for r in b.rows)], ids=str)
def test_conventions_are_those_of_the_precise_profile_too(batch: Batch) -> None:
    compare(batch, module_of(module_text(batch.program, Options(numerics="precise")), "rows"))


# --- second derivatives ------------------------------------------------------------------------------


def second_derivative(graph: Graph, wrt: list[str]) -> Graph:
    """The graph of the gradient's slope along the arguments `v_NAME`."""
    once = differentiate(graph, "L", wrt)
    types = {a["name"]: a.type for a in graph.inputs}
    along = [ops.argument(f"v_{name}", types[name]) for name in wrt]
    terms = [v * once.output(f"d_{name}") for v, name in zip(along, wrt)]
    total = reduce(add, (ops.sum(t, axis=tuple(range(t.rank)), keepdims=False) for t in terms))
    return differentiate(Graph((*once.inputs, *along), (("s", total),)), "s", wrt)


def change_of_gradient(batch: Batch, directions: dict[str, Array], step: float) -> dict[str, Array]:
    module = batch.module(batch.levels[-1])

    def gradient(step: float) -> Any:
        moved = {n: a + step * directions[n] if n in directions else a for n, a in batch.arguments.items()}
        return module.grad(*moved.values())

    def central(step: float) -> list[Array]:
        ends = [gradient(step), gradient(-step)]
        return [(np.asarray(a) - b) / (2 * step) for a, b in zip(*ends)]

    return {n: (4 * a - b) / 3 for n, a, b in zip(batch.wrt(), central(step), central(2 * step))}


SECOND = [b for b in BATCHES if not b.symbolic and b.rows[0].second and b.wrt()]


@pytest.mark.parametrize("batch", SECOND, ids=str)
def test_second_derivatives(batch: Batch) -> None:
    rng = np.random.default_rng(3)
    directions = {name: rng.normal(size=batch.arguments[name].shape) for name in batch.wrt()}
    graph = second_derivative(batch.program.graph, batch.wrt())
    found = evaluate(graph, {**batch.arguments, **{f"v_{n}": v for n, v in directions.items()}}, {})
    expected = change_of_gradient(batch, directions, STEP / 2)
    wrong = [
        f"{batch.row_of(name)}: second, d_{name} {apart(found[f'd_{name}'], slope)}"
        for name, slope in expected.items()
        if not close(found[f"d_{name}"], slope, 1e-7)
    ]
    assert not wrong, "\n".join(wrong)
