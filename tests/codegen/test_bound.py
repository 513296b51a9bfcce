"""NumPy's functions under names of the module, and what their calls warn of."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.codegen import routines_elementwise

MODEL = """
input x: real[300]
param np_exp: real[300]
np = exp(x * np_exp)
loss L = sum(log1p(np))
"""


def test_names_of_the_model_come_first() -> None:
    text = autodiffc.compile(MODEL, level=2)
    assert "_np_exp(" in text
    m, plain = module_of(text, "bound"), module_of(autodiffc.compile(MODEL), "plain")
    g = np.random.default_rng(0)
    x, w = g.normal(size=(2, 300))
    np.testing.assert_allclose(m.value_and_grad(x, w)[1].np_exp, plain.value_and_grad(x, w)[1].np_exp, 1e-13)


def test_only_at_the_level_for_speed() -> None:
    assert all("np_" not in autodiffc.compile(MODEL.replace("np_exp", "w"), level=level) for level in (0, 1))


def test_no_alias_that_nothing_uses() -> None:
    text = autodiffc.compile(MODEL.replace("np_exp", "w"), level=2)
    assert text.count("_np.") or "\n_np = np\n" not in text


def test_what_the_value_warns_of_is_not_hushed_again() -> None:
    """An adjoint of what has overflown, or was divided by zero, in the value already."""
    growing = "dim N\ninput x: real[N]\nparam b: real\nloss L = sum((1 - exp(-b * x))**2)\n"
    root = "dim N\ninput x: real[N]\noutput L = sum(sqrt(x))\ngrad L wrt x\n"
    rim = 'dim N\nparam u: real[N]\np = pad(u, 1, mode="edge")\nloss L = sum((p[:-2] + p[2:])**2)\n'
    assert "with _quiet():" not in _value_and_grad(growing)
    assert "with _quiet():" not in _value_and_grad(rim)
    assert "with _quiet():" in _value_and_grad(root)


@pytest.mark.parametrize("version", [np.__version__, "1.26.4"])
@pytest.mark.parametrize("size", [np.getbufsize(), 1024])
def test_what_is_hushed_is_heard_again(version: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "__version__", version)
    quiet = routines_elementwise._quietly()
    usual = np.setbufsize(size)
    before = np.geterr()

    def fails() -> None:
        with quiet():
            with quiet():
                assert np.getbufsize() == size
            assert set(np.geterr().values()) == {"ignore"}
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fails()
    assert np.geterr() == before
    assert np.setbufsize(usual) == size


def _value_and_grad(model: str) -> str:
    text = autodiffc.compile(model, level=2)
    return text[text.index("def value_and_grad") : text.index("def grad(")]


@pytest.mark.parametrize("quiet", [True, False], ids=["contexts", "NumPy 1"])
def test_a_sigmoid_overflows_in_silence(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not quiet:
        monkeypatch.setattr(routines_elementwise, "_QUIET", None)
    x = np.array([-800.0, -40.0, 0.0, 800.0, np.nan])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = routines_elementwise._logistic(x)
    np.testing.assert_array_equal(found, routines_elementwise._sigmoid(x))


def test_sigmoids_in_many_threads() -> None:
    x = np.linspace(-800.0, 800.0, 200_000)
    with ThreadPoolExecutor(8) as pool, warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list(pool.map(routines_elementwise._logistic, [x] * 32))
    assert all(np.array_equal(one, found[0]) for one in found)
