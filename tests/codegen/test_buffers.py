"""Buffers of -O2, the pool and workspaces: what they hold is never seen outside, and calls allocate nothing."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import autodiffc
import numpy as np
import pytest
import random_models
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from buffer_checks import compared, spoil
from drawn import drawn_arguments
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peaks import peak
from whole_models import whole_model

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPARED = (
    "activations", "char_lstm", "char_rnn", "classifier", "deep_sigmoid", "digits_cnn", "few_shot",
    "gaussian_process", "hidden_markov", "kmeans", "mixture_density", "softmax_regression",
)  # fmt: skip
RANDOM = settings(
    max_examples=10,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
EMIT = st.sampled_from([(), ("workspace",)])
DTYPE = st.sampled_from(["float64", "float64", "float32"])

NETWORK = """
dim N, D, H
input x: real[N, D]
input y: int[N] in range(10)
param W: real[D, H]
param b: real[H]
param V: real[H, 10]
assert(b[0] < 5)
h = tanh(x @ W + b)
output p = softmax(h @ V)
loss L = mean(cross_entropy(h @ V, y)) + 0.01 * sum(W**2)
"""


def network(*emit: str) -> Any:
    return module_of(autodiffc.compile(NETWORK, level=2, emit=emit), "network")


def arguments(N: int = 50, seed: int = 0, D: int = 7, H: int = 12) -> tuple[Any, ...]:
    g = np.random.default_rng(seed)
    data = g.normal(size=(N, D)), g.integers(0, 10, N)
    return (*data, g.normal(size=(D, H)), g.normal(size=H), g.normal(size=(H, 10)))


def plain() -> Any:
    return module_of(autodiffc.compile(NETWORK, level=1), "plain")


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one[0], other[0], rtol=1e-13)
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


# --- the same values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", COMPARED)
def test_examples_with_and_without(name: str, dtype: str) -> None:
    program = program_of(read_source(str(EXAMPLES / f"{name}.dsl")))
    sizes = {dim: 4 + i for i, dim in enumerate(program.dims)}
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    found = drawn_arguments(program, sizes, 0, 0.9)
    assert compared(program, found, tolerance, dtype=dtype, emit=("workspace",)) > 0


@RANDOM
@given(st.integers(0, 2**32), EMIT, DTYPE)
def test_random_models(seed: int, emit: tuple[str, ...], dtype: str) -> None:
    model = random_models.random_model(Random(seed))
    program = program_of(Source("random.dsl", model.text))
    tolerance = 1e-9 if dtype == "float64" else 1e-3
    compared(program, random_models.random_arguments(seed), tolerance, dtype=dtype, emit=emit)


@RANDOM
@given(st.integers(0, 2**32), EMIT, st.booleans())
def test_random_loops_and_branches(seed: int, emit: tuple[str, ...], small: bool) -> None:
    model = whole_model(Random(seed), 3)
    sizes = model.small_sizes(Random(seed)) if small else model.sizes
    program = program_of(Source("random.dsl", model.text))
    with suppress(np.linalg.LinAlgError):  # as without buffers
        compared(program, model.arguments(seed, sizes), 1e-9, emit=emit)


def test_sizes_may_change_from_call_to_call() -> None:
    m, expected = network("workspace"), plain()
    lent = m.Workspace()
    for N in (5, 50, 5, 0, 1, 50):
        given = arguments(N)
        with np.errstate(all="ignore"):
            close(m.value_and_grad(*given), expected.value_and_grad(*given))
            close(m.value_and_grad(*given, workspace=lent), expected.value_and_grad(*given))


def test_arguments_in_fortran_order() -> None:
    given = arguments()
    turned = [np.asfortranarray(a) for a in given]
    close(network().value_and_grad(*turned), plain().value_and_grad(*given))


# --- the pool ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", ["flip(z, 0)", "flip(z, 1)", "z.T"])
@pytest.mark.parametrize("function", ["lgamma({})", "lbeta({}, x)", "log(exp({}) + exp(x))"])
def test_no_block_is_written_over_what_another_one_reads(function: str, turned: str) -> None:
    """What goes block by block can't write over a view that has the elements in another order."""
    text = f"dim N\ninput x: real[N, N]\nparam W: real[N, N]\nz = x @ W\nu = {function.format(turned)}\n"
    program = program_of(Source("model.dsl", f"{text}loss L = sum(u * x)\n"))
    rng = np.random.default_rng(0)
    x, W = rng.uniform(0.1, 1.0, (150, 150)), rng.uniform(0.0, 0.02, (150, 150))  # three blocks of elements
    plain, written = (module_of(module_text(program, Options(level=level)), "model") for level in (0, 2))
    for _ in range(2):
        found = written.value_and_grad(x, W)
        np.testing.assert_allclose(found[1][0], plain.value_and_grad(x, W)[1][0], rtol=1e-12)


def test_results_are_the_caller_s_own() -> None:
    m, given = network(), arguments()
    expected = plain().value_and_grad(*given)
    first, _ = m.value_and_grad(*given), m.forward(*given)
    for array in first[1]:
        array[...] = np.nan
    assert spoil(m) > 0
    close(m.value_and_grad(*given), expected)
    cache = m.forward(*given)[1]
    kept = [field.copy() for field in cache]
    m.value_and_grad(*given)
    m.predict(given[0], *given[2:])
    spoil(m)
    for field, before in zip(cache, kept, strict=True):
        np.testing.assert_array_equal(field, before)
    for a, b in zip(m.backward(cache), expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_no_argument_is_written_to() -> None:
    given = arguments()
    for array in given:
        array.flags.writeable = False
    m = network("workspace")
    for _ in range(2):
        m.backward(m.forward(*given)[1])
        m.value_and_grad(*given, workspace=m.Workspace(outputs=True))
        m.value_and_grad(*given)


@pytest.mark.parametrize("emit", [(), ("workspace",)])
def test_calls_in_threads(emit: tuple[str, ...]) -> None:
    m, reference = network(*emit), plain()
    given = [arguments(N, seed) for seed in range(12) for N in (20, 21)]
    expected = [reference.value_and_grad(*a) for a in given]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            for one, other in zip(threads.map(lambda a: m.value_and_grad(*a), given), expected, strict=True):
                close(one, other)


def test_a_call_that_fails_leaves_the_pool_sane() -> None:
    m = network("workspace")
    good, bad = arguments(), list(arguments())
    bad[3] = bad[3] + 10.0
    lent, expected = m.Workspace(), plain().value_and_grad(*good)
    for _ in range(3):
        for keywords in ({}, {"workspace": lent}):
            with pytest.raises(ValueError):
                m.value_and_grad(*bad, **keywords)
            close(m.value_and_grad(*good, **keywords), expected)


def test_release_forgets_the_memory() -> None:
    m = network()
    m.value_and_grad(*arguments())
    assert m._IDLE
    m.release()
    assert not m._IDLE
    close(m.value_and_grad(*arguments()), plain().value_and_grad(*arguments()))


def test_the_pool_is_bounded() -> None:
    m = network()
    for N in range(40):
        m.value_and_grad(*arguments(N + 1))
    assert len(m._IDLE) <= 8


@pytest.mark.parametrize("text", ["param x: real\nloss L = x**2", "param x: real[3]\nloss L = sum(exp(x))"])
def test_small_models_have_nothing_of_this(text: str) -> None:
    assert "_IDLE" not in autodiffc.compile(text, level=2)


@pytest.mark.parametrize("level", [0, 1])
def test_lower_levels_keep_nothing(level: int) -> None:
    assert "_IDLE" not in autodiffc.compile(NETWORK, level=level)
    with pytest.raises(ValueError, match="-O2"):
        autodiffc.compile(NETWORK, level=level, emit="workspace")


# --- workspaces --------------------------------------------------------------------------------------


def test_outputs_in_the_workspace_are_written_over() -> None:
    program = program_of(Source("recurrence.dsl", STEPS["recurrence"]))
    m = module_of(module_text(program, Options(level=2, emit=("workspace",))), "recurrence")
    lent = m.Workspace(outputs=True)
    first, second = (drawn_arguments(program, {"T": 5, "B": 3, "H": 4}, seed, 0.9) for seed in (1, 2))
    value, grads = m.value_and_grad(**first, workspace=lent)
    kept = [g.copy() for g in grads]
    _, again = m.value_and_grad(**second, workspace=lent)
    assert all(a is b for a, b in zip(grads, again, strict=True))
    assert not np.array_equal(grads.U, kept[0])
    close(m.value_and_grad(**first, workspace=lent), (value, kept))


def test_what_it_will_write_over_is_no_argument() -> None:
    text = "dim N\ninput h: real[N]\nparam w: real[N]\noutput g = tanh(w * h)\nloss L = sum(g)"
    m = module_of(autodiffc.compile(text, level=2, emit="workspace"), "m")
    lent = m.Workspace(outputs=True)
    w = np.ones(600)
    outputs = m.predict(w, w, workspace=lent)
    for own in (outputs.g, outputs.g[::-1], outputs.g[:]):
        with pytest.raises(ValueError, match="memory of the workspace"):
            m.predict(own, w, workspace=lent)
    m.predict(outputs.g.copy(), w, workspace=lent)
    m.predict(outputs.g, w)


def test_one_call_at_a_time() -> None:
    m = network("workspace")
    lent = m.Workspace()
    with lent, pytest.raises(RuntimeError, match="each thread needs its own"):
        m.value_and_grad(*arguments(), workspace=lent)
    m.grad(*arguments(), workspace=lent)
    lent.release()
    assert not lent._held


@pytest.mark.parametrize("version", [np.__version__, "1.26.4"])
def test_numpys_buffers_are_small_in_a_workspace(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "__version__", version)
    m = network("workspace")
    usual = np.setbufsize(2048)
    for errors in ("raise", "ignore"):
        with np.errstate(over=errors):  # type: ignore[call-overload]
            with m.Workspace(), m.Workspace():
                assert (np.getbufsize(), np.geterr()["over"]) == (512, errors)
            with pytest.raises(KeyError), m.Workspace():
                raise KeyError
            assert (np.getbufsize(), np.geterr()["over"]) == (2048, errors)
    assert np.setbufsize(usual) == 2048


def test_functions_and_workspaces_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickled_network.py").write_text(
        autodiffc.compile(NETWORK, level=2, emit="workspace"), encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    m = import_module("pickled_network")

    lent = m.Workspace(outputs=True)
    m.value_and_grad(*arguments(), workspace=lent)
    function, copy = pickle.loads(pickle.dumps((m.value_and_grad, lent)))
    assert copy.outputs
    assert not copy._held
    assert function is m.value_and_grad


STEPS = {
    "network": NETWORK.replace("softmax(h @ V)", "h @ V"),
    "logistic": """
dim N, D
input x: real[N, D]
input y: real[N]
param w: real[D]
loss L = mean(softplus(x @ w) - y * (x @ w)) + 0.1 * sum(w**2)
""",
    "recurrence": """
dim T, B, H
input x: real[T, B, H]
param U: real[H, H]
param W: real[H, H]
var hs: real[T, B, H]
h = zeros(B, H)
for t in range(T):
    h = tanh(x[t] @ W + h @ U)
    hs[t] = h
loss L = mean(hs**2)
""",
}


LESS = {"network": 10, "logistic": 10, "recurrence": 10}


@pytest.mark.parametrize("name", STEPS)
def test_memory_of_a_step(name: str) -> None:
    """What a step makes anew beside its results is a fraction of what it computes."""
    program = program_of(Source(f"{name}.dsl", STEPS[name]))
    m = module_of(module_text(program, Options(level=2, emit=("workspace",))), name)
    sizes = {"T": 30, "B": 16, "N": 4000, "D": 60, "H": 40}
    given = drawn_arguments(program, sizes, 0, 0.9)
    lent = m.Workspace(outputs=True)
    step = partial(m.value_and_grad, **given, workspace=lent)
    without = module_of(module_text(program, Options(level=1)), "plain")
    step()
    computed = peak(partial(without.value_and_grad, **given))
    assert peak(step) < computed / LESS[name]
