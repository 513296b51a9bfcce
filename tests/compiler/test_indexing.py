"""Indexing: the emitted text, repeated and negative indices, NumPy's rule for the place of their dims."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import autodiffc
import numpy as np
import pytest
from array_texts import value_and_gradients
from autodiffc.api import module_of
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Node
from autodiffc.compiler.ops.indexing import index_text
from autodiffc.compiler.types import Dim, Type, TypeProblem

N, D, K = Dim.symbol("N"), Dim.symbol("D"), Dim.symbol("K")
ZERO = Dim.of(0)
X = ops.argument("x", Type("real", (N, D)))


def part(start: Dim | int, length: Dim | int, step: int = 1) -> tuple[Any, ...]:
    return ("slice", Dim.of(start), Dim.of(length), step)


def at(position: Dim | int) -> tuple[Any, ...]:
    return ("at", Dim.of(position))


def text_of(node: Node) -> str:
    template = node.op.py
    return template if isinstance(template, str) else template(node, str)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ((part(0, N), part(1, D - 1)), "x[:, 1:]"),
        ((part(0, N), part(0, D - 1)), "x[:, :-1]"),
        ((part(0, N), at(D - 1)), "x[:, -1]"),
        ((at(0), part(0, D)), "x[0]"),
        ((part(1, N - 2), part(0, D)), "x[1:-1]"),
        ((part(N - 3, 3), part(0, D)), "x[-3:]"),
        ((part(0, 3), part(0, D)), "x[:3]"),
        ((part(K, 5), part(0, D)), "x[K:K + 5]"),
        ((part(0, (N + 1) // 2, 2), part(0, D)), "x[::2]"),
        ((part(1, N // 2, 2), part(0, D)), "x[1::2]"),
        ((part(0, 4, 2), part(0, D)), "x[:8:2]"),
        ((part(N - 1, N, -1), part(D - 1, D, -1)), "x[::-1, ::-1]"),
        ((part(N - 1, N - 3, -1), part(0, D)), "x[:2:-1]"),
        ((part(0, N), ("new",), part(0, D)), "x[:, None]"),
        ((part(0, N), part(0, D), ("new",)), "x[:, :, None]"),
    ],
)
def test_text(index: tuple[Any, ...], text: str) -> None:
    assert text_of(ops.getitem(X, index=index)) == text


def test_text_of_known_sizes() -> None:
    x = ops.argument("x", Type("real", (Dim.of(10), Dim.of(4))))
    assert text_of(ops.getitem(x, index=(at(9), part(1, 3)))) == "x[9, 1:]"
    assert text_of(ops.getitem(x, index=(part(2, 3), part(0, 4)))) == "x[2:5]"


def test_text_of_gathers() -> None:
    words = ops.argument("w", Type("int", (K,)))
    gathered = ops.gather(X, words, index=(("array", 0), part(0, D)))
    assert text_of(gathered) == "x[i0]"
    scattered = ops.scatter_add(gathered, words, shape=X.shape, index=gathered["index"])
    assert text_of(scattered) == "out = np.zeros((N, D), _REAL)\nnp.add.at(out, i0, g)"
    columns = ops.gather(X, words, index=(part(0, N), ("array", 0)))
    scattered = ops.scatter_add(columns, words, shape=X.shape, index=columns["index"])
    assert text_of(scattered).endswith("np.add.at(out, np.s_[:, i0], g)")
    rows = ops.arange(start=ZERO, step=1, count=N)
    labels = ops.argument("y", Type("int", (N,)))
    picked = ops.gather(X, rows, labels, index=(("array", 0), ("array", 1)))
    scattered = ops.scatter_add(picked, rows, labels, shape=X.shape, index=picked["index"])
    assert text_of(scattered).endswith("out[i0, i1] = g")


def test_repeated_and_negative_indices_add_up() -> None:
    table, words = np.arange(6.0).reshape(3, 2), np.array([0, 2, 0, -1])
    index = (("array", 0), part(0, 2))
    found, (gradient,) = value_and_gradients(lambda t, w: ops.gather(t, w, index=index), table, words)
    np.testing.assert_array_equal(found, table[words])
    np.testing.assert_array_equal(gradient, [[2.0, 2.0], [0.0, 0.0], [2.0, 2.0]])
    found, (gradient,) = value_and_gradients(
        lambda t, w: ops.gather(t, w, index=(("array", 0),)), table[:, 0], np.array([0, 0])
    )
    np.testing.assert_array_equal(gradient, [2.0, 0.0, 0.0])


def test_rows_that_are_repeated_beside_an_arange_are_no_assignment() -> None:
    """An arange that broadcasts against a matrix of labels picks each of its rows several times."""
    x, labels = np.zeros((2, 3)), np.array([[0, 0], [1, 2]])

    def build(x: Node, y: Node) -> Node:
        rows = ops.arange(start=ZERO, step=1, count=Dim.of(2))
        return ops.gather(x, rows, y, index=(("array", 0), ("array", 1)))

    _, (gradient,) = value_and_gradients(build, x, labels)
    np.testing.assert_array_equal(gradient, [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])

    def first_row(x: Node, y: Node) -> Node:
        row = ops.arange(start=ZERO, step=1, count=Dim.of(1))
        return ops.gather(x, row, y, index=(("array", 0), ("array", 1)))

    _, (gradient,) = value_and_gradients(first_row, x, np.array([2, 2, 0]))
    np.testing.assert_array_equal(gradient, [[1.0, 0.0, 2.0], [0.0, 0.0, 0.0]])


def test_index_out_of_range_raises() -> None:
    with pytest.raises(IndexError):
        value_and_gradients(lambda t, w: ops.gather(t, w, index=(("array", 0),)), np.zeros(3), np.array([3]))


@pytest.mark.parametrize(
    "index",
    [
        (("array", 0), part(0, 3), ("array", 1)),
        (part(0, 2), ("array", 0), ("array", 1)),
        (at(1), ("array", 0), ("array", 1)),
        (at(1), part(0, 3), ("array", 0)),
        (("array", 0), ("new",), ("array", 1), part(0, 4)),
        (part(0, 2), ("array", 0), ("new",), part(1, 2)),
    ],
)
def test_the_dims_of_index_arrays_stand_where_numpy_puts_them(index: tuple[Any, ...]) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    arrays = [np.array([[0, 1, 1]]), np.array([[1], [0]])][: sum(item[0] == "array" for item in index)]
    place = tuple(
        None if item[0] == "new" else arrays[item[1]] if item[0] == "array"
        else item[1].known if item[0] == "at" else slice(item[1].known, item[1].known + item[2].known)
        for item in index
    )  # fmt: skip
    found, (gradient,) = value_and_gradients(lambda a, *i: ops.gather(a, *i, index=index), x, *arrays)
    np.testing.assert_array_equal(found, x[place])
    counted = np.zeros_like(x)
    np.add.at(counted, place, 1.0)
    np.testing.assert_array_equal(gradient, counted)


def test_sizes_0_and_1() -> None:
    empty = (part(0, 0), part(0, 3))
    found, (gradient,) = value_and_gradients(lambda x: ops.getitem(x, index=empty), np.ones((2, 3)))
    assert found.shape == (0, 3)
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))
    found, (gradient,) = value_and_gradients(
        lambda x, w: ops.gather(x, w, index=(("array", 0),)), np.ones(2), np.zeros(0, int)
    )
    assert found.shape == (0,)
    np.testing.assert_array_equal(gradient, [0.0, 0.0])


def test_problems() -> None:
    with pytest.raises(TypeProblem, match=r"1 indices for \[N, D\]") as problem:
        ops.getitem(X, index=(at(0),))
    assert problem.value.code == "E0208"
    with pytest.raises(TypeProblem, match="an index is an int, not real") as problem:
        ops.gather(X, X, index=(("array", 0), part(0, D)))
    assert problem.value.code == "E0204"


# --- the text of a slice ---------------------------------------------------------------------------

SIZE, OFFSET = Dim.symbol("n"), Dim.symbol("k")
STARTS = (Dim.of(0), Dim.of(1), Dim.of(3), OFFSET, OFFSET + 1, *(SIZE - c for c in (1, 2, 3)))


@pytest.mark.parametrize("step", [1, 2, 3, -1, -2])
@pytest.mark.parametrize("start", [*STARTS, SIZE - OFFSET, SIZE - OFFSET - 1, OFFSET - 1], ids=str)
def test_the_text_of_a_slice_takes_what_is_meant(start: Dim, step: int) -> None:
    """Also where that is nothing: -1 is no position then, but Python would count it from the back."""
    rest = SIZE - start if step > 0 else start + 1
    most = (rest + (abs(step) - 1)) // abs(step)
    seen = 0
    for length in (most, most.maximum(0), (most - 1).maximum(0), most - 1, OFFSET):
        text = index_text((("slice", start, length, step),), (SIZE,), str)
        for n, k in itertools.product(range(7), range(7)):
            sizes = {"n": n, "k": k}
            first, count = (d.evaluate(sizes) for d in (start, length))
            meant = [first + i * step for i in range(count)]
            if count >= 0 and all(0 <= i < n for i in meant):
                assert eval(f"a[{text}]", {"a": list(range(n)), **sizes}) == meant, (text, sizes)
                seen += 1
    assert seen > 20


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_range_that_begins_before_its_end_takes_no_steps(level: int, tmp_path: Path) -> None:
    model = (
        "dim N, K\ninput x: real[N]\ninput q: real[K]\nparam w: real[N]\ns = 0.1\n"
        "for i in range(N - K, -1, -1):\n    s += x[i] * sin(w[i])\nloss L = s\n"
    )
    path = tmp_path / "model.dsl"
    path.write_text(model)
    module = autodiffc.load(path, level=level)
    x, w = np.arange(3.0), np.ones(3)
    for K, taken in ((5, []), (4, []), (3, [0]), (2, [1, 0]), (1, [2, 1, 0])):
        value, grads = module.value_and_grad(x, np.ones(K), w)
        np.testing.assert_allclose(value, 0.1 + sum(x[i] * np.sin(w[i]) for i in taken))
        np.testing.assert_allclose(grads.w, [x[i] * np.cos(w[i]) if i in taken else 0.0 for i in range(3)])


def test_columns_of_one_array_pick_from_tables_of_different_lengths() -> None:
    text = (
        "dim C, P, M\ninput pairs: int[M, 2]\nparam a: real[C]\nparam b: real[P]\n"
        "loss L = sum(a[pairs[:, 0]] * b[pairs[:, 1]])\n"
    )
    module = module_of(autodiffc.compile(text), "pairs")
    pairs = np.array([[0, 3], [1, 2], [1, 0]])
    a, b = np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])
    value, grads = module.value_and_grad(pairs, a, b)
    assert value == 4.0 + 6.0 + 2.0
    np.testing.assert_array_equal(grads.a, [4.0, 4.0])
