"""What is observed is what NumPy computes, and what the emitted module gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.diagnosis import Diagnosis
from autodiffc.diagnosis.seen import Layer
from ill_models import LAYER, RECURRENT, SEQUENCES, XY, deep, layer

RELU = layer(act="relu", weights="kaiming()")


def diagnosed(text: str, data: Any, folder: Path, **options: Any) -> Diagnosis:
    path = folder / "model.dsl"
    path.write_text(text, "utf-8")
    return autodiffc.diagnose(path, data, **options)


def found(diagnosis: Diagnosis, name: str) -> Layer:
    return next(layer for layer in diagnosis.seen.layers if layer.label == name)


def test_values_and_slopes_are_those_of_numpy(tmp_path: Path) -> None:
    diagnosis = diagnosed(RELU, XY, tmp_path, sizes={"H": 16})
    module = autodiffc.load(tmp_path / "model.dsl")
    W, b, _ = module.init_params(0, D=10, H=16)
    z = XY["x"] @ W + b
    h = found(diagnosis, "h")
    np.testing.assert_allclose(h.values[0], np.maximum(z, 0))
    np.testing.assert_array_equal(h.slopes[0], z > 0)
    np.testing.assert_allclose(h.fired, (z > 0).mean(axis=0))
    assert (h.unit, h.units, h.samples) == (1, 16, 100)
    mean, spread, low, high = h.moments
    np.testing.assert_allclose([mean, spread, high], [np.mean(h.values[0]), np.std(h.values[0]), z.max()])
    assert low == 0
    counts, start, stop = h.histogram
    assert (counts.sum(), start, stop) == (1600, 0, z.max())


def test_gradients_are_those_of_the_module(tmp_path: Path) -> None:
    for text, data in ((RELU, XY), (RECURRENT.format(weights="orthogonal()", act="tanh"), SEQUENCES)):
        seen = diagnosed(text, data, tmp_path, sizes={"H": 16}, seed=3).seen
        module = autodiffc.load(tmp_path / "model.dsl")
        sizes = {name: seen.sizes[name] for name in ("D", "H")}
        loss, gradients = module.value_and_grad(data["x"], data["y"], *module.init_params(3, **sizes))
        assert seen.value == pytest.approx(loss, rel=1e-13)
        for param, expected in zip(seen.params, gradients):
            np.testing.assert_allclose(param.gradient, expected, rtol=1e-10, atol=1e-14)
            assert param.norm == pytest.approx(np.linalg.norm(expected), rel=1e-10)


def test_slopes_are_relative_to_the_steepest(tmp_path: Path) -> None:
    for act, slope in (
        ("tanh", lambda z: 1 - np.tanh(z) ** 2),
        ("sigmoid", lambda z: 4 * np.exp(-z) / (1 + np.exp(-z)) ** 2),
        ("hardtanh", lambda z: abs(z) < 1),
        ("erf", lambda z: np.exp(-z * z)),
        ("arctan", lambda z: 1 / (1 + z * z)),
    ):
        seen = diagnosed(layer(act=act), XY, tmp_path, sizes={"H": 4})
        z, h = found(seen, "z"), found(seen, "h")
        np.testing.assert_allclose(h.slopes[0], slope(z.values[0]), rtol=1e-12, atol=1e-15)
        assert not z.slopes
        part = h.slopes[0] * h.gradients[0]
        assert h.passed == pytest.approx(np.linalg.norm(part) / np.linalg.norm(h.gradients[0]))


def test_a_layer_of_a_loop_has_a_value_for_each_step(tmp_path: Path) -> None:
    seen = diagnosed(
        RECURRENT.format(weights="orthogonal()", act="tanh"), SEQUENCES, tmp_path, sizes={"H": 4}
    )
    h = found(seen, "h")
    assert h.looped
    assert len(h.values) == len(h.gradients) == 25
    assert (h.shape, h.unit, h.samples) == ((8, 4), 1, 200)
    means, spreads, lengths = h.by_step
    np.testing.assert_allclose(means, [v.mean() for v in h.values])
    np.testing.assert_allclose(spreads, [v.std() for v in h.values])
    np.testing.assert_allclose(lengths, [np.linalg.norm(g) for g in h.gradients])


def test_depth_counts_the_products_with_weights(tmp_path: Path) -> None:
    seen = diagnosed(deep("tanh", "xavier()", 4), XY, tmp_path, sizes={"H": 8}).seen
    assert [(d.depth, d.label) for d in seen.depths] == [
        (1, "x @ W1"), (2, "h1 @ W2"), (3, "h2 @ W3"), (4, "h3 @ W4"), (5, "h4 @ v"),
    ]  # fmt: skip


def test_layers_side_by_side_are_one_in_depth(tmp_path: Path) -> None:
    text = LAYER.format(
        weights="xavier()", bias="zeros()", last="normal(0, 1)", act="tanh", out="(h + x @ W) @ v"
    )
    seen = diagnosed(text, XY, tmp_path, sizes={"H": 8}).seen
    assert [d.depth for d in seen.depths] == [1, 2]


def test_what_only_outputs_need_is_left_out(tmp_path: Path) -> None:
    text = layer() + "side = sigmoid(100 * (x @ W))\noutput p = softmax(side)\n"
    diagnosis = diagnosed(text, XY, tmp_path, sizes={"H": 8})
    assert [layer.label for layer in diagnosis.seen.layers] == ["z", "h"]
    assert diagnosis.ok


def test_without_a_loss_all_values_are_of_interest(tmp_path: Path) -> None:
    text = "dim N\ninput x: real[N]\nz = 9 * x\noutput y = tanh(z)\n"
    diagnosis = diagnosed(text, {"x": np.linspace(-9, 9, 40)}, tmp_path)
    assert [layer.label for layer in diagnosis.seen.layers] == ["z", "y"]
    assert [finding.kind for finding in diagnosis.findings] == ["saturated"]
    assert "no loss" in str(diagnosis)


def test_a_target_that_is_an_array(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples" / "deep_sigmoid.dsl"
    sizes = {f"n{k}": 6 for k in range(6)}
    diagnosis = autodiffc.diagnose(path, {"x": np.linspace(-1, 1, 6)}, sizes=sizes)
    assert diagnosis.seen.value is None
    assert len(diagnosis.seen.depths) == 5
    assert diagnosis.seen.depths[0].norm < diagnosis.seen.depths[-1].norm


def test_features_of_a_convolution_are_its_channels(tmp_path: Path) -> None:
    text = """\
dim N, C
input x: real[N, 2, 9, 9]
param K: real[C, 2, 3, 3] = kaiming()
h = relu(conv2d(x, K))
loss L = mean(h**2)
"""
    x = np.random.default_rng(0).normal(size=(5, 2, 9, 9)) * np.array([1, 1000])[:, None, None] / 300
    diagnosis = diagnosed(text, {"x": x}, tmp_path, sizes={"C": 6})
    h = found(diagnosis, "h")
    assert (h.unit, h.units, h.samples) == (1, 6, 5 * 7 * 7)
    (fed,) = diagnosis.seen.feds
    assert (fed.label, fed.rows.shape) == ("x", (2, 5 * 81))
    assert [(finding.kind, finding.label) for finding in diagnosis.findings] == [("badly scaled input", "x")]


def test_what_is_not_finite_in_the_data_and_no_data_at_all(tmp_path: Path) -> None:
    x = XY["x"].copy()
    x[3, 4] = np.nan
    (finding,) = diagnosed(layer(), {**XY, "x": x}, tmp_path, sizes={"H": 4}).findings
    assert (finding.kind, finding.label, finding.line) == ("not finite", "x", 2)
    assert finding.sentence == "`x` is NaN as it is given"
    assert "np.isfinite" in finding.helps
    empty = {"x": np.zeros((0, 10)), "y": np.zeros(0)}
    diagnosis = diagnosed(layer(act="relu"), empty, tmp_path, sizes={"H": 4})
    assert [(finding.kind, finding.label) for finding in diagnosis.findings] == [("no data", "N")]
    assert "N is 0 in these data" in str(diagnosis)
    assert diagnosis.html()
    assert diagnosis.json()


def test_a_thousand_layers(tmp_path: Path) -> None:
    lines = ["dim N, D", "input x: real[N, D]", "param W: real[D, D] = orthogonal()", "h0 = x"]
    lines += [f"h{k + 1} = tanh(h{k} @ W)" for k in range(600)]
    seen = diagnosed("\n".join([*lines, "loss L = mean(h600**2)\n"]), {"x": np.eye(3)}, tmp_path).seen
    assert len(seen.depths) == 600
    assert len(seen.layers) == 600


def test_dropout_draws_its_masks_from_the_seed(tmp_path: Path) -> None:
    text = layer(out="dropout(h, 0.5) @ v")
    data, sizes = XY, {"H": 16}
    first, same, other = (diagnosed(text, data, tmp_path, sizes=sizes, seed=s).seen.value for s in (1, 1, 2))
    assert first == same != other
    module = autodiffc.load(tmp_path / "model.dsl")
    outputs, _ = module.forward(
        XY["x"], XY["y"], *module.init_params(1, D=10, H=16), np.random.default_rng(1)
    )
    assert first == pytest.approx(outputs.L, rel=1e-13)


def test_a_value_that_only_labels_need_is_no_input_of_a_layer(tmp_path: Path) -> None:
    diagnosis = diagnosed(layer(), {"x": XY["x"], "y": 1000 + XY["y"]}, tmp_path, sizes={"H": 4})
    assert [fed.label for fed in diagnosis.seen.feds] == ["x"]
