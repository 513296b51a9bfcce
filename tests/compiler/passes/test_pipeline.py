"""The whole pipeline on models: what is saved, what is named how, what observers see, what stays bit-equal."""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.model import Derivative, Program
from autodiffc.compiler.passes.base import Pass
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.compiler.verify import verifying
from autodiffc.grammar.source import Source

CLASSIFIER = """
dim N, D, H
dim K = 4
input x: real[N, D]
input y: int[N] in range(K)
param W1: real[D, H]
param b1: real[H]
param W2: real[H, K]
h = tanh(x @ W1 + b1)
logits = h @ W2
output p = softmax(logits)
loss L = mean(cross_entropy(logits, y)) + 0.01 * sum(W1**2)
"""
SIZES = {"N": 5, "D": 3, "H": 2}


def program(text: str) -> Program:
    return program_of(Source("m.dsl", text))


def derived(text: str, level: int = 1) -> Derivative:
    return derive(program(text), level, verifying)


def arguments() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {
        "x": rng.normal(size=(5, 3)),
        "y": np.array([0, 3, 1, 1, 2]),
        "W1": rng.normal(size=(3, 2)),
        "b1": rng.normal(size=2),
        "W2": rng.normal(size=(2, 4)),
    }


def ops_of(graph: Graph | None) -> list[str]:
    assert graph is not None
    return [node.op.name for node in graph.nodes()]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_values_are_bit_equal_with_and_without_the_gradient(level: int) -> None:
    found = derived(CLASSIFIER, level)
    assert found.value_and_grad is not None
    assert found.predict is not None
    assert found.backward is not None
    given = arguments()
    forward = evaluate(found.forward, given, SIZES)
    together = evaluate(found.value_and_grad, given, SIZES)
    assert together["L"] == forward["L"]
    np.testing.assert_array_equal(evaluate(found.predict, given, SIZES)["p"], forward["p"])
    saved = {name: forward[name] for name in found.saved}
    backward = evaluate(found.backward, {**saved, "d_L": np.array(1.0)}, SIZES)
    for name in ("d_W1", "d_b1", "d_W2"):
        np.testing.assert_allclose(backward[name], together[name], rtol=1e-14)


def test_forward_and_backward_share_one_exponential() -> None:
    found = derived(CLASSIFIER)
    assert ops_of(found.value_and_grad).count("exp") == 1
    assert ops_of(found.forward).count("exp") == 1
    assert "exp" not in ops_of(found.backward)


def test_saved_is_what_backward_needs() -> None:
    assert derived(CLASSIFIER).saved == ("x", "y", "W1", "W2", "h", "p")


def test_predict_leaves_out_what_only_the_loss_needs() -> None:
    found = derived(CLASSIFIER)
    assert found.predict is not None
    used = {node["name"] for node in found.predict.nodes() if node.op.name == "argument"}
    assert used == {"x", "W1", "b1", "W2"}


def test_observers_see_every_pass() -> None:
    seen: list[str] = []

    def observe(pass_: Pass, before: Graph, after: Graph) -> None:
        seen.append(pass_.name)

    derive(program(CLASSIFIER), 1, observe)
    assert {"stabilise", "autodiff", "expand", "cse", "simplify", "fold", "dce"} <= set(seen)
    assert seen.index("stabilise") < seen.index("autodiff") < seen.index("expand")


def test_no_gradient_for_inputs_that_nobody_asked_for() -> None:
    found = derived("dim N\ninput x: real[N]\nparam w: real[N]\nloss L = sum(exp(w) * x)\n")
    assert found.backward is not None
    assert [name for name, _ in found.backward.outputs] == ["d_w"]
    assert found.saved == ("mul_1",)  # exp(w) * x, which is the gradient too


def test_a_mean_of_squares_takes_one_pass_over_the_residuals() -> None:
    text = "dim N, D\ninput x: real[N, D]\ninput y: real[N]\nparam w: real[D]\nr = x @ w - y\nloss L = mean(r * r)\n"
    found = derived(text)
    assert found.value_and_grad is not None
    adjoint = [n for n in found.value_and_grad.nodes() if n.op.name in ("mul", "div", "neg") and n.rank == 1]
    assert len(adjoint) == 1


def test_a_saved_value_has_a_name_of_its_own() -> None:
    text = "dim N\nparam exp_1, sin_1: real[N]\noutput t = exp(exp_1 * sin_1)\nloss L = sum(sin(t) * exp(sin_1))\n"
    found = derived(text)
    assert len(set(found.saved)) == len(found.saved)
    assert found.backward is not None
    forward = dict(found.forward.outputs)
    for name in found.saved:
        node = forward[name]
        assert node.op.name != "argument" or node["name"] == name
        assert name not in ("exp_1", "sin_1") or node.op.name == "argument"


def test_a_param_with_the_name_of_the_cotangent() -> None:
    text = "param d_L: real\nparam w: real\nloss L = d_L * w * w\n"
    found = derived(text)
    assert found.backward is not None
    given = {"d_L": np.array(3.0), "w": np.array(2.0)}
    forward = evaluate(found.forward, given, {})
    saved = {name: forward[name] for name in found.saved}
    assert "d_L" not in saved
    backward = evaluate(found.backward, {**saved, "d_L": np.array(10.0)}, {})
    assert (backward["d_d_L"], backward["d_w"]) == (40.0, 120.0)


def test_an_array_target_has_no_value_and_grad() -> None:
    found = derived("dim N\ninput x: real[N]\noutput f = exp(x)\ngrad f wrt x\n")
    assert found.value_and_grad is None
    assert found.backward is not None
    assert [node["name"] for node in found.backward.inputs] == ["f", "d_f"]


def test_a_model_without_a_target() -> None:
    found = derived("dim N\ninput x: real[N]\noutput f = log(1 + exp(x))\n")
    assert found.backward is None
    assert found.saved == ()
    assert "softplus" in ops_of(derived("input x: real\noutput f = log(1 + exp(x))\n", 0).forward)


@pytest.mark.parametrize("rows", ["real[N, D]", "real[M, N, D]"])
def test_rows_are_added_up_before_a_product_where_only_their_sum_is_wanted(rows: str) -> None:
    text = f"dim {rows[5:-1]}\ninput x: {rows}\nparam m: real[D]\nparam W: real[D, D]\nloss L = sum(sin((x - m) @ W))\n"
    graph = derived(text).value_and_grad
    assert graph is not None
    backward = graph.output("d_m")
    while backward.op.name != "matmul":
        backward = backward.args[0]
    assert backward.args[0].shape[-2].known == 1
    rng = np.random.default_rng(1)
    sizes = {"M": 2, "N": 4, "D": 3}
    shape = (2, 4, 3) if "M" in rows else (4, 3)
    values = {"x": rng.normal(size=shape), "m": rng.normal(size=3), "W": rng.normal(size=(3, 3))}
    plain = derived(text, level=0).value_and_grad
    assert plain is not None
    found, expected = evaluate(graph, values, sizes), evaluate(plain, values, sizes)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
