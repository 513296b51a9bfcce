"""Each workload: all levels of the emitted module give what the code by hand gives, value and gradients.

Where nothing is written by hand, they are held against -O0.
"""

from __future__ import annotations

import pytest
from cases import WORKLOADS
from contest.compare import difference
from contest.contenders import OURS, Contender, contenders
from contest.workload import Answer, Workload


def answers(workload: Workload, *names: str) -> dict[str, Answer]:
    found = {}
    for contender in contenders(workload, names):
        assert isinstance(contender, Contender), contender
        answer = contender.answer()
        assert answer is not None
        found[contender.name] = answer
    return found


@pytest.mark.parametrize("name", WORKLOADS)
def test_levels_agree_with_the_code_by_hand(name: str) -> None:
    workload = WORKLOADS[name]
    try:
        workload.draw()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    held = "best" if workload.best else "O0"
    found = answers(workload, held, *OURS)
    for level in OURS:
        assert difference(found[level], found[held]) <= 1e-11


@pytest.mark.parametrize("name", WORKLOADS)
def test_arguments_are_in_the_models_order(name: str) -> None:
    workload = WORKLOADS[name]
    text = workload.model.read_text(encoding="utf-8")
    assert set(workload.goals) <= {"jax", "torch", "module", "autograd", "casadi", "sympy"}
    assert workload.title
    assert all(target in text for target in workload.wrt)
