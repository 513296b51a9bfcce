"""An emitted module is diagnosed by what its own functions give."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import autodiffc
import numpy as np
import pytest
from autodiffc.diagnosis import WrongData
from ill_models import GATED, HEALTHY, ILL, RECURRENT, SEQUENCES, XY, Case, layer

TOLD = [  # what can be seen without the model: see autodiffc/diagnosis/modules.py
    "all units dead", "some units dead", "saturated tanh", "saturated sigmoid", "gradient vanishes in sigmoids",
    "equal units", "NaN", "overflow", "weights of 0",
]  # fmt: skip


def module_of(text: str, folder: Path, level: int = 1) -> ModuleType:
    (folder / "model.dsl").write_text(text, "utf-8")
    return autodiffc.load(folder / "model.dsl", level=level)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("case", [case for case in ILL if case.name in TOLD], ids=lambda case: case.name)
def test_an_illness_is_found(case: Case, level: int, tmp_path: Path) -> None:
    module = module_of(case.text, tmp_path, level)
    params = module.init_params(0, D=10, H=16)._asdict()
    diagnosis = autodiffc.diagnose(module, {**params, **case.data})
    assert {kind for kind, _ in case.found} <= {finding.kind for finding in diagnosis.findings}
    assert not diagnosis.ok


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.name)
def test_a_healthy_module_stays_quiet(case: Case, tmp_path: Path) -> None:
    module = module_of(case.text, tmp_path)
    model = autodiffc.diagnose(tmp_path / "model.dsl", case.data, sizes=case.sizes)
    params = {param.label: param.value for param in model.seen.params}
    diagnosis = autodiffc.diagnose(module, {**case.data, **params})
    assert [str(finding) for finding in diagnosis.findings] == []
    assert diagnosis.seen.value == pytest.approx(model.seen.value, rel=1e-12)
    for own, other in zip(diagnosis.seen.params, model.seen.params):
        assert own.label == other.label
        assert own.norm == pytest.approx(other.norm, rel=1e-8)


def test_params_start_where_the_sizes_are_known(tmp_path: Path) -> None:
    module = module_of(layer(), tmp_path)
    W = np.random.default_rng(1).normal(size=(10, 6))
    seen = autodiffc.diagnose(module, {**XY, "W": W}, seed=4).seen
    np.testing.assert_array_equal(seen.params[2].value, module.init_params(4, D=10, H=6).v)
    again = autodiffc.diagnose(module, XY, sizes={"H": 6}, seed=4).seen
    np.testing.assert_array_equal(again.params[0].value, module.init_params(4, D=10, H=6).W)
    with pytest.raises(WrongData, match="the data lack W, b and v"):
        autodiffc.diagnose(module, XY)
    with pytest.raises(WrongData, match="the data lack y; they hold x"):
        autodiffc.diagnose(module, {"x": XY["x"]})
    with pytest.raises(WrongData, match="N is 100 in x and 3 in y"):
        autodiffc.diagnose(module, {**XY, "W": W, "y": np.ones(3)})


def test_what_is_kept_is_shown(tmp_path: Path) -> None:
    for text in (RECURRENT.format(weights="orthogonal()", act="tanh"), GATED.format(bias="2")):
        module = module_of(text, tmp_path)
        params = module.init_params(0, D=5, H=4)
        diagnosis = autodiffc.diagnose(module, {**SEQUENCES, **params._asdict()})
        assert any("h" in layer.label for layer in diagnosis.seen.layers)
        assert "nothing found" in str(diagnosis)
        assert diagnosis.html().startswith("<!DOCTYPE html>")


def test_dropout_and_modules_without_a_loss(tmp_path: Path) -> None:
    module = module_of(layer(out="dropout(h, 0.5) @ v"), tmp_path)
    params = module.init_params(0, D=10, H=16)._asdict()
    outputs, _ = module.forward(*XY.values(), *params.values(), np.random.default_rng(7))
    assert autodiffc.diagnose(module, {**XY, **params}, seed=7).seen.value == outputs.L
    plain = module_of("dim N\ninput x: real[N]\noutput y = exp(x)\n", tmp_path)
    seen = autodiffc.diagnose(plain, {"x": np.ones(3)}).seen
    assert (seen.target, seen.params, [layer.label for layer in seen.layers]) == (None, (), ["y"])


def test_a_cotangent_for_a_target_that_is_an_array(tmp_path: Path) -> None:
    module = module_of("dim N\nparam w: real[N]\noutput y = w**2\ngrad y wrt w\n", tmp_path)
    seen = autodiffc.diagnose(module, {"w": np.array([1.0, 3.0])}).seen
    np.testing.assert_array_equal(seen.params[0].gradient, [2.0, 6.0])


def test_other_modules_are_refused() -> None:
    with pytest.raises(WrongData, match="no module that autodiffc has emitted"):
        autodiffc.diagnose(np, XY)
