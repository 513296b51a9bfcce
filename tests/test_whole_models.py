"""Random model files, with loops, branches and functions: all ways to their value and gradient agree.

Many more are tried by `python -m long_random` (see tests/tables/long_random.py).
"""

from __future__ import annotations

import os
from random import Random

import pytest
from found_models import FOUND
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from variants import VARIANTS
from whole_checks import against_jax, case_of, check, check_text, same_results
from whole_models import whole_model

SEEDS = st.integers(0, 2**32)
RANDOM = settings(
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@settings(RANDOM, max_examples=20)
@given(SEEDS, st.integers(1, 4))
def test_levels_and_differences(seed: int, statements: int) -> None:
    assume(check(whole_model(Random(seed), statements), seed) == "ok")


@settings(RANDOM, max_examples=10)
@given(SEEDS, st.integers(1, 3))
def test_smallest_sizes(seed: int, statements: int) -> None:
    assume(check(whole_model(Random(seed), statements), seed, small=True) == "ok")


@settings(RANDOM, max_examples=3)
@example(3, 1)
@given(SEEDS, st.just(1))
def test_jax(seed: int, statements: int) -> None:
    pytest.importorskip("jax")
    assume(against_jax(whole_model(Random(seed), statements), seed) == "ok")


@pytest.mark.parametrize("variant", VARIANTS)
def test_written_in_another_way(variant: str) -> None:
    changed = 0
    for seed in range(400):
        model = whole_model(Random(seed), 2)
        text = VARIANTS[variant](model.text, model.sizes)
        if text != model.text:
            same_results(case_of(model, seed, model.sizes), case_of(model, seed, model.sizes, text))
            changed += 1
        if changed == 5:
            break
    assert changed == 5


@pytest.mark.parametrize("name", FOUND)
def test_found_before(name: str) -> None:
    """Models at which something was wrong once."""
    assert check_text(FOUND[name], seed=1) == "ok"
