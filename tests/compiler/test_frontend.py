"""What the expressions of a model mean: each against the NumPy expression that it reads like."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as special
from autodiffc.compiler.frontend.model import check
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.model import Program
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.parser import parse
from autodiffc.grammar.source import Source
from expressions import EXPRESSIONS, HEAD, SIZES, VALUES


def program(text: str) -> Program:
    model, diagnostics = parse(Source("model.dsl", text))
    return check(model, diagnostics)


@pytest.mark.parametrize(("expression", "reference"), EXPRESSIONS, ids=[e for e, _ in EXPRESSIONS])
def test_expression_means_what_numpy_means(expression: str, reference: str | None) -> None:
    result = program(f"{HEAD}output f = {expression}\n")
    node = result.graph.output("f")
    value = evaluate(result.graph, VALUES, SIZES)["f"]
    expected = np.asarray(eval(reference or expression, {"np": np, "special": special, **VALUES}))
    assert value.shape == expected.shape
    assert tuple(d.evaluate(SIZES) for d in node.shape) == expected.shape
    assert {"f": "real", "i": "int", "b": "bool"}[value.dtype.kind] == node.type.kind
    assert node.type.kind == {"f": "real", "i": "int", "b": "bool"}[expected.dtype.kind]
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)


def value_of(text: str, **arguments: object) -> np.ndarray:
    result = program(text)
    arrays = {name: np.asarray(value) for name, value in arguments.items()}
    sizes = {b.dim: (arrays[b.argument].shape[b.axis] - b.offset) // b.factor for b in result.bindings}
    return evaluate(result.graph, arrays, sizes)["f"]


MODELS: list[tuple[str, dict[str, object], object]] = [
    ("input x: real\ndef f(a, b=2, c=1):\n    return a * b + c\noutput f = f(x, c=5)\n", {"x": 3.0}, 11.0),
    ("input x: real\ndef two(a):\n    return a, a**2\np, q = two(x)\noutput f = p - q\n", {"x": 3.0}, -6.0),
    ("input x: real\nconst scale = 3\ndef f(a):\n    b = scale * a\n    return b + 1\noutput f = f(f(x))\n", {"x": 1.0}, 13.0),
    ("dim N\ninput x: real[N]\ndef f(a: real[M]):\n    return sum(a) / M\noutput f = f(x) + N\n", {"x": [1.0, 3.0]}, 4.0),
    ("dim H\ninput x: real[4*H]\ndef f(a: real[4*B]):\n    return a[:B] + B\noutput f = f(x)\n", {"x": np.arange(8.0)}, [2.0, 3.0]),
    ("dim N\ninput x: real[N]\ndef f(a: real[M+1], b: real[M]):\n    return sum(a) * M + sum(b)\noutput f = f(x, x[1:])\n", {"x": [1.0, 2.0, 3.0]}, 17.0),
    ("input x: real\nsum = x + 1\noutput f = sum * 2\n", {"x": 1.0}, 4.0),
    ("input x: real\nparam gamma: real\noutput f = gamma * x\n", {"x": 2.0, "gamma": 3.0}, 6.0),
    ("input x: real\ndef sigmoid(a):\n    return 10 * a\noutput f = sigmoid(x)\n", {"x": 2.0}, 20.0),
    ("dim H\ninput x: real[4*H]\noutput f = x[:H] + H\n", {"x": np.arange(8.0)}, [2.0, 3.0]),
    ("dim N\ninput x: real[N-1]\noutput f = sum(x) * N\n", {"x": [1.0, 1.0]}, 6.0),
    ("dim N\ndim M = 2 * N\ninput x: real[N]\ninput y: real[M]\noutput f = sum(concatenate((x, x)) * y)\n", {"x": [1.0, 2.0], "y": [1.0, 1.0, 1.0, 2.0]}, 8.0),
    ("const A = [[1, 2], [3, 4]]\ninput x: real[2]\noutput f = A @ x\n", {"x": [1.0, 1.0]}, [3.0, 7.0]),
    ("const c: real[3] = [1, 2, 3]\ninput x: real[3]\na, b, d = x * c\noutput f = a + b * d\n", {"x": [1.0, 1.0, 1.0]}, 7.0),
    ("e = 5\ninput x: real\noutput f = e * x\n", {"x": 2.0}, 10.0),
    ("from nn import linear, relu\ndim N, D, H\ninput x: real[N, D]\nparam W: real[D, H]\nparam b: real[H]\noutput f = relu(linear(x, W, b))\n", {"x": [[1.0, -1.0]], "W": np.eye(2), "b": [0.5, 0.5]}, [[1.5, 0.0]]),
    ("from stats import normal\ninput x: real\noutput f = normal(x, 0, 1)\n", {"x": 0.0}, -0.9189385332046727),
    ("input x: real\ny: real = 3\noutput f: real = x * y\n", {"x": 2.0}, 6.0),
    ("input λ, x: real\noutput f = λ * x\n", {"λ": 2.0, "x": 4.0}, 8.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments", "expected"), MODELS, ids=[t[:40] for t, _, _ in MODELS])
def test_models(text: str, arguments: dict[str, object], expected: object) -> None:
    np.testing.assert_allclose(value_of(text, **arguments), expected, rtol=1e-14)


def test_arguments_come_inputs_first_then_params() -> None:
    result = program("param w: real\ninput x: real\nparam v: real\nloss L = (w * x + v)**2\n")
    assert [a.name for a in result.arguments] == ["x", "w", "v"]
    assert result.wrt == ("w", "v")
    assert result.target == "L"


def test_slices_of_dims_note_what_they_require() -> None:
    result = program("dim N\ninput x: real[N]\noutput f = x[2:] - x[:-2]\n")
    assert [(str(r.slack), r.line) for r in result.requirements] == [("N - 2", 3)]


@pytest.mark.parametrize("heads", ["(N, 2, E // 2)", "(N, 2, -1)", "(-1, 2, E // 2)", "N, 2, E // 2"])
def test_reshapes_note_what_must_divide(heads: str) -> None:
    result = program(
        f"dim N, E\ninput x: real[N, E]\nh = reshape(x, {heads})\noutput f = reshape(2 * h, N, E)\n"
    )
    assert [r.condition for r in result.requirements] == ["E%2 == 0"]


@pytest.mark.parametrize(
    ("text", "natural"), [("M // 2", True), ("3 * M % 2", True), ("M - 1", False), ("max(M - 1, 0)", True)]
)
def test_dims_that_are_seen_not_to_be_negative(text: str, natural: bool) -> None:
    result = program(f"dim M\ndim H = {text}\ninput u: real[M]\noutput f = zeros(H)\n")
    assert result.graph.output("f").shape[0].is_natural is natural


def test_the_diagonal_of_a_diagonal_matrix_has_its_dim() -> None:
    result = program("dim M\ninput u: real[M]\nh = diag(u[1::2])\noutput f = diag(h) + u[1::2]\n")
    assert str(result.graph.output("f").type) == "real[M//2]"


@pytest.mark.parametrize(
    ("declared", "expression", "range_"),
    [
        ("int[2]", "x[i]", "(-N, N)"),
        ("int[2]", "one_hot(i, 3)", "(0, 3)"),
        ("int[2] in range(5)", "one_hot(i, 3)", "(0, 3)"),
        ("int[2] in range(2)", "one_hot(i, 3)", "(0, 2)"),
        ("int[2] in range(N)", "x[i]", "(0, N)"),
        ("int[2]", "x[:3][i] + one_hot(i, 2)[:, 0]", "(0, 2)"),
    ],
)
def test_what_an_input_picks_gives_it_a_range(declared: str, expression: str, range_: str) -> None:
    result = program(f"dim N\ninput x: real[N]\ninput i: {declared}\noutput f = {expression}\n")
    given = result.arguments[1].range
    assert given is not None
    assert f"({given[0]}, {given[1]})" == range_


@pytest.mark.parametrize(
    ("expression", "slacks"),
    [
        ("x[[0, 4]]", ["N - 5"]),
        ("embedding(x, M)", ["-M + N - 1"]),
        ("zeros(N - 2)", ["N - 2"]),
        ("pad(x, (N - M, 0))", ["-M + N"]),
        ("x + zeros(N)", []),
    ],
)
def test_what_sizes_and_positions_require(expression: str, slacks: list[str]) -> None:
    result = program(f"dim N, M\ninput x: real[N]\ninput y: real[M]\noutput f = {expression}\n")
    assert {str(r.slack) for r in result.requirements} == set(slacks)


def test_dim_overrides() -> None:
    model, _ = parse(Source("m.dsl", "dim N\ndim K = 10\ninput x: real[N, K]\noutput f = sum(x)\n"))
    result = check(model, dims={"K": 3, "N": 2})
    assert str(result.arguments[0].type) == "real[2, 3]"
    assert result.constants == {"K": 3, "N": 2}
    with pytest.raises(ModelError) as caught:
        check(model, dims={"Q": 3})
    assert [d.code for d in caught.value.diagnostics] == ["E0311"]


@pytest.mark.parametrize(
    ("declaration", "kind", "numbers"),
    [
        ("param w: real", "zeros", ()),
        ("param w: real[3]", "zeros", ()),
        ("param w: real[3, 2]", "xavier", ()),
        ("param w: real > 0", "full", (1.0,)),
        ("param w: real >= 2 < 4", "full", (3.0,)),
        ("param w: real[2] = normal(std=0.5)", "normal", (0.0, 0.5)),
        ("param w: real[6] >= 0 <= 1 = full(0.2)", "full", (0.2,)),
        ("param w: real = -1.5", "full", (-1.5,)),
        ("param w: real[2, 2] = orthogonal()", "orthogonal", ()),
    ],
)
def test_initialisers(declaration: str, kind: str, numbers: tuple[float, ...]) -> None:
    result = program(f"{declaration}\nloss L = sum(w)\n")
    init = result.arguments[0].init
    assert init is not None
    assert (init.kind, init.numbers) == (kind, numbers)


def test_a_long_sum_and_a_long_file_are_no_trouble() -> None:
    terms = " + ".join(["x"] * 20_000)
    assert value_of(f"input x: real\noutput f = {terms}\n", x=1.0) == 20_000.0
    lines = "".join(f"v{i} = v{i - 1} * 1.0\n" for i in range(1, 5_000))
    assert value_of(f"input v0: real\n{lines}output f = v4999\n", v0=2.0) == 2.0


def test_class_labels_have_a_range_without_being_told() -> None:
    result = program(
        "dim N, K\ninput z: real[N, K]\ninput y, k: int[N]\ninput j: int[N] in range(3)\n"
        "loss L = sum(cross_entropy(z, y)) + sum(one_hot(k, 5)) + sum(cross_entropy(z[:, :3], j))\nparam w: real\n"
    )
    ranges = {a.name: a.range and tuple(map(str, a.range)) for a in result.arguments}
    assert ranges == {"z": None, "y": ("0", "K"), "k": ("0", "5"), "j": ("0", "3"), "w": None}
