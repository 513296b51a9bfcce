"""`assert` in a model: a statement of every function that computes, and of none that goes backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.verify import verifying
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.source import Source

LEVELS = (0, 1, 2)
MODEL = """dim N
input x: real[N]
input y: real[N]
param w: real[N]
assert N > 1, "one point is no line"
def weights(p):
    assert all(p < 100), 'the "weights" {of} \\ are too large'
    return p / sum(p)
assert sum(y) >= 0
total = sum(w)
assert 0 < total
assert 1 < 2 and total != 7
output p = weights(exp(w)) * x
loss L = sum((p - y)**2) / total
"""
GOOD = ([1.0, 2.0], [1.0, 0.5], [0.5, 2.0])

# Arguments, and what is said of them by value_and_grad and by predict (which needs no y).
REFUSED: list[tuple[tuple[Any, ...], str, str | None]] = [
    (([1.0], [1.0], [1.0]), "one point is no line (line 5: assert N > 1, where N is 1)", ""),
    (([1.0, 2.0], [-1.0, 0.5], [0.5, 2.0]), "does not hold (line 9: assert sum(y) >= 0, where sum(y) is -0.5)", None),
    (([1.0, 2.0], [math.nan, 0.5], [0.5, 2.0]), "assert sum(y) >= 0, where sum(y) is nan)", None),
    (([1.0, 2.0], [1.0, 0.5], [-0.5, 0.25]), "(line 11: assert 0 < total, where total is -0.25)", ""),
    (([1.0, 2.0], [1.0, 0.5], [5.0, 3.0]), "(line 7: assert all(p < 100))", ""),
    (([1.0, 2.0], [1.0, 0.5], [3.0, 4.0]), "(line 12: assert 1 < 2 and total != 7)", ""),
]  # fmt: skip


def compiled(text: str, level: int = 1, **options: Any) -> Any:
    program = program_of(Source("model.dsl", text))
    return module_of(module_text(program, Options(level=level, **options), verifying), "model")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("arguments", "told", "to_predict"), REFUSED, ids=[r[1][-40:] for r in REFUSED])
def test_a_call_is_refused(arguments: Any, told: str, to_predict: str | None, level: int) -> None:
    m = compiled(MODEL, level)
    for function in (m.value_and_grad, m.grad, m.forward):
        with pytest.raises(ValueError, match="assert") as caught:
            function(*arguments)
        assert told in str(caught.value)
    x, _, w = arguments
    if to_predict is None:
        assert m.predict(x, w).p.shape == (2,)
    else:
        with pytest.raises(ValueError, match="assert"):
            m.predict(x, w)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_good_call_is_what_it_is_without_assertions(level: int, dtype: str) -> None:
    plain = "\n".join(line for line in MODEL.splitlines() if "assert" not in line) + "\n"
    m, bare = (compiled(text, level, dtype=dtype) for text in (MODEL, plain))
    value, grads = m.value_and_grad(*GOOD)
    assert value == bare.value_and_grad(*GOOD)[0]
    np.testing.assert_array_equal(grads.w, bare.value_and_grad(*GOOD)[1].w)
    outputs, cache = m.forward(*GOOD)
    np.testing.assert_array_equal(m.backward(cache).w, bare.backward(bare.forward(*GOOD)[1]).w)
    assert outputs._fields == ("p", "L")


def test_backward_checks_nothing_and_keeps_nothing_for_checks() -> None:
    program = program_of(Source("model.dsl", MODEL))
    text = module_text(program, Options())
    backward = text.split("def backward(")[1].split("\ndef ")[0]
    assert "raise" not in backward
    plain = "\n".join(line for line in MODEL.splitlines() if "assert" not in line) + "\n"
    fields = [m.Cache._fields for m in (compiled(MODEL), compiled(plain))]
    assert fields[0] == fields[1]


def test_a_message_cannot_break_out_of_its_string() -> None:
    hostile = 'input x: real\nassert x > 0, "\\"); import os  # {x} {{ }} \\\\ \\n é \u202e"\noutput y = x\n'
    m = compiled(hostile)
    assert m.predict(1.0).y == 1.0
    with pytest.raises(ValueError, match=r"import os  # \{x\} \{\{ \}\}"):
        m.predict(-1.0)


def test_what_a_dim_with_a_number_decides_costs_nothing() -> None:
    text = "dim K = 3\ninput x: real[K]\nassert K > 2\noutput y = sum(x)\n"
    assert "assert" not in module_text(program_of(Source("m.dsl", text)), Options()).split('"""', 2)[2]
    with pytest.raises(ModelError, match="the assertion does not hold"):
        program_of(Source("m.dsl", text), {"K": 2})


def test_the_check_draws_points_at_which_assertions_hold() -> None:
    program = program_of(Source("model.dsl", MODEL))
    report = check(program, module_of(module_text(program, Options()), "model"))
    assert [row.verdict for row in report.rows] == ["ok"]
    narrow = program_of(Source("m.dsl", "param x: real\nassert x == 0.123\nloss L = x**2\n"))
    report = check(narrow, module_of(module_text(narrow, Options()), "m"))
    assert [row.verdict for row in report.rows] == ["not checked"]
    assert "all assertions hold" in report.rows[0].symbolic.reason


IN_BLOCKS = """dim T
input x: real[T]
param w: real
def root(v):
    assert v >= 0, "no root"
    return sqrt(v)
h = 1.0
for t in range(T):
    h = h * w + root(x[t])
    assert h < 50, "h ran away"
if h > 10:
    assert w < 5
loss L = h**2
"""


@pytest.mark.parametrize("level", LEVELS)
def test_assertions_in_loops_branches_and_functions(level: int) -> None:
    m = compiled(IN_BLOCKS, level)
    assert m.value_and_grad([4.0, 9.0], 2.0)[0] == 121.0
    for arguments, told in (
        (([4.0, -9.0], 2.0), "no root (line 5: assert v >= 0, where v is -9.0)"),
        (([4.0, 9.0, 9.0], 4.0), "h ran away (line 10: assert h < 50, where h is 111.0)"),
        (([4.0], 9.0), "(line 12: assert w < 5, where w is 9.0)"),
    ):
        for function in (m.value_and_grad, m.forward):
            with pytest.raises(ValueError, match="assert") as caught:
                function(*arguments)
            assert told in str(caught.value)


LABELS = {
    "computed": "L = mean(cross_entropy(z, y - 1))",
    "as probabilities": "L = -sum(one_hot(y - 1, K) * log_softmax(z))",
    "of a step": "L = 0.0\nfor t in range(N):\n    L += cross_entropy(z[t], y[t] - 1)",
    "of every step": "L = 0.0\nc = y - 1\nfor t in range(2):\n    L += sum(cross_entropy(t * z, c))",
    "in a branch": "if p:\n    L = sum(cross_entropy(z, y - 1))\nelse:\n    L = sum(z)",
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("body", LABELS)
def test_labels_that_are_computed_are_checked(body: str, level: int) -> None:
    """Of a label -1 NumPy would make the last class."""
    lines = LABELS[body].replace("L = ", "l = ").replace("L += ", "l += ")
    text = f"dim N, K\ninput y: int[N]\ninput p: bool\nparam z: real[N, K]\n{lines}\nloss L = l + 0 * p\n"
    m = compiled(text, level)
    z = np.ones((3, 4))
    assert np.isfinite(m.value_and_grad([1, 2, 4], True, z)[0])
    with pytest.raises(ValueError, match=r"a label is not in range\(K\) \(line \d"):
        m.value_and_grad([1, 0, 4], True, z)
    with pytest.raises((ValueError, IndexError), match=r"a label is not in range\(K\)|out of bounds"):
        m.forward([1, 5, 4], True, z)


@pytest.mark.parametrize(
    "loss",
    ["sum(cross_entropy(z, y))", "sum(z * one_hot(argmax(z, axis=1), K))", "sum(cross_entropy(z[:, 1:], y))",
     "sum(cross_entropy(z[t], y[t]) for t in range(N))", "sum(z[0] @ one_hot(t, N) for t in range(N))"],
)  # fmt: skip
def test_labels_that_are_right_anyway_cost_nothing(loss: str) -> None:
    text = f"dim N\nconst K = 3\ninput y: int[N]\nparam z: real[N, {'N' if 'one_hot(t' in loss else 'K'}]\nloss L = {loss}\n"
    assert "a label" not in module_text(program_of(Source("m.dsl", text)), Options())


ASSERTED = {
    "values": "assert all(w > 0)\nloss L = sum(w**3)**2\n",
    "a loop": "s = 0.0\nfor i in range(N):\n    assert w[i] > 0\n    s = s + w[i]**3\nloss L = s**2\n",
    "what a loop gives": "s = 0.0\nfor i in range(N):\n    s = s + w[i]**3\nassert s > 0\nloss L = s**2\n",
    "a branch": "if w[0] < 0:\n    assert w[1] > 0\n    y = w\nelse:\n    y = 2 * w\nloss L = sum(y**3)**2\n",
}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("statements", ASSERTED.values(), ids=ASSERTED.keys())
def test_functions_that_give_no_value_assert_too(statements: str, level: int) -> None:
    """Products and Hessians need less of the model than its value does; what is asserted holds for them as well."""
    text = f"dim N\nparam w: real[N]\n{statements}"
    m = compiled(text, level, emit=("hvp", "hessian", "gauss_newton"))
    good, bad = [1.0, 2.0], [-1.0, -2.0]
    np.testing.assert_allclose(m.hessian(good) @ [1.0, -1.0], m.hvp(good, [1.0, -1.0]).w)
    for call in (lambda: m.hessian(bad), lambda: m.hvp(bad, good), lambda: m.gauss_newton(bad, good)):
        with pytest.raises(ValueError, match="assertion does not hold"):
            call()
