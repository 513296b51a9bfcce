"""What is made of times: ratios, goals, tables, a picture; and the environment of a timed process."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cases import WORKLOADS
from cases.losses import WOULD_TAKE
from contest.figure import png
from contest.machine import THREADS, environment, features
from contest.ratios import goals
from contest.report import (
    Run,
    absences,
    goal_rows,
    losses,
    markdown,
    memory_rows,
    own_rows,
    peer_rows,
    remedies,
)
from contest.running import Setting
from contest.texts import aligned, amount, duration, table, times
from contest.timing import Spread, interleaved, spread

DOCS = Path(__file__).parents[2] / "docs"


def results(**seconds: float) -> dict[str, Any]:
    """Steady times; -O2 takes 1."""
    return {name: {"times": [value] * 4, "peak": 2_000_000} for name, value in {"O2": 1.0, **seconds}.items()}


def of(name: str, **seconds: float) -> Run:
    return Run(Setting(), {name: results(**seconds)}, WORKLOADS)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0123, "12 ms"), (3.21e-6, "3.2 µs"), (3.8e-7, "380 ns"), (5e-10, "0.50 ns")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_amounts_and_ratios() -> None:
    assert (amount(5_300_000), amount(1_234)) == ("5.3 MB", "1.2 kB")
    assert times(Spread(1.96, 2.0, 2.04)) == "×2.0"
    assert times(Spread(0.5, 2.0, 30.0)) == "×2.0 (0.50–30)"
    assert times(None) == "–"


def test_tables() -> None:
    rows = [("work", "time"), ("a", "1 ms")]
    assert list(table(rows)) == ["| work | time |", "| --- | ---: |", "| a | 1 ms |"]
    assert list(aligned(rows)) == ["work  time", "a     1 ms"]


def test_quartiles() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == (1.5, 3.0, 4.5)
    assert spread([7.0]) == (7.0, 7.0, 7.0)


def test_goals_are_met_or_missed_by_the_median() -> None:
    found = {
        goal.what: goal.met
        for goal in goals(WORKLOADS["lstm"], results(jax=1.69, torch=2.0, limit=0.5, forward=0.3))
    }
    assert found == {
        "JAX jit": False,
        "PyTorch": True,
        "torch.nn": None,
        "autograd": None,
        "of its GEMMs": True,
        "of its forward": False,
    }


@pytest.mark.parametrize(
    ("name", "peer", "seconds", "wanted", "text", "verdict"),
    [
        ("logistic_1000x50", "autograd", 10.96, "≥ 11", "×10.96", "**missed**"),
        ("logistic_1000x50", "autograd", 10.7, "≥ 11", "×10.7", "**missed**"),
        ("logistic_1000x50", "autograd", 10.4, "≥ 11", "×10", "**missed**"),
        ("logistic_1000x50", "autograd", 11.2, "≥ 11", "×11", "met"),
        ("scalar3", "jax", 49.6, "≥ 50", "×49.6", "**missed**"),
        ("scalar3", "jax", 49.996, "≥ 50", "×50", "met"),
        ("lstm", "limit", 1 / 2.04, "≤ 2", "×2.04", "**missed**"),
    ],
)
def test_what_misses_a_goal_is_not_rounded_to_it(
    name: str, peer: str, seconds: float, wanted: str, text: str, verdict: str
) -> None:
    found = [row[2:5] for row in goal_rows(of(name, **{peer: seconds}))]
    assert (wanted, text, verdict) in found


def test_a_workload_without_goals_has_none() -> None:
    assert not list(goals(WORKLOADS["rnn"], results(jax=1.0, forward=1.0)))


def test_rows() -> None:
    run = of("lstm", O0=2.0, best=0.5, jax=0.9, autograd=3.0, module=4.0)
    run.results["lstm"]["torch"] = {"wrong": "differs by 1e-01"}
    run.results["lstm"]["compile"] = {"skipped": "failed: RuntimeError"}
    assert list(own_rows(run))[1][1:] == ("1.0 s", "×2.0", "–", "–", "×0.50", "–", "–")
    assert list(peer_rows(run))[1][1:] == ("×0.90", "wrong", "failed", "×3.0", "torch.nn ×4.0")
    assert list(losses(run))[1:] == [("LSTM, 100 steps, hidden 64, batch 16", "JAX jit", "×0.90")]
    assert list(memory_rows(run))[1][1:] == ("2.0 MB", "–", "2.0 MB", "–", "2.0 MB", "2.0 MB")
    work = "LSTM, 100 steps, hidden 64, batch 16"
    assert (work, "JAX jit", "≥ 1.7", "×0.90", "**missed**", "×1.8") in goal_rows(run)
    assert list(absences(run)) == [
        "- PyTorch: differs by 1e-01 (LSTM, 100 steps, hidden 64, batch 16)",
        "- torch.compile: failed: RuntimeError (LSTM, 100 steps, hidden 64, batch 16)",
    ]


def test_what_losses_would_take() -> None:
    """A text for all workloads of which it is true, with what was missed and who was quicker."""
    seconds = {"jax": 60.0, "torch": 200.0, "autograd": 499.0, "casadi": 60.0, "numba": 0.5, "forward": 1.0}
    run = of("scalar3", **seconds)
    run.results["rnn"] = results(jax=0.9)
    told = {"scalar3": "A loop.", "rnn": ""}
    works = {name: dataclasses.replace(WORKLOADS[name], would_take=text) for name, text in told.items()}
    run = Run(Setting(), run.results, works)
    two = dataclasses.replace(run, setting=Setting(threads=2))
    assert "".join(remedies([run, two])).splitlines() == [
        "- **scalar, 3 ops.** One thread: autograd ×499 for 500, Numba, by hand ×0.50; "
        "2 threads: autograd ×499 for 500, Numba, by hand ×0.50.",
        "A loop.",
        "- **RNN, 60 steps, hidden 32, batch 20.** One thread: JAX jit ×0.90; 2 threads: JAX jit ×0.90.",
        "Not looked into yet.",
    ]


def test_texts_on_losses_are_of_workloads() -> None:
    assert set(WOULD_TAKE) <= set(WORKLOADS)
    assert WORKLOADS["lstm"].would_take == WOULD_TAKE["lstm"].strip()


def test_no_loss_of_the_latest_run_is_without_a_text() -> None:
    assert "Not looked into yet." not in (DOCS / "benchmarks.md").read_text(encoding="utf-8")


def test_the_file_has_a_part_for_each_setting() -> None:
    one = of("scalar3", jax=60.0)
    two = dataclasses.replace(one, setting=Setting(threads=2))
    text = markdown("{machine}\n{figure}\n{tables}", [one, two], [], [("k-means", [1.0], [2.0])], "b.png")
    assert "## One thread: the goals" in text
    assert "## 2 threads: peers" in text
    assert "| k-means | 1.0 s | ×2.0 |" in text
    assert "](b.png)" in text


def test_the_picture() -> None:
    pytest.importorskip("matplotlib")
    picture = png(of("scalar3", jax=60.0, best=0.5))
    assert picture is not None
    assert picture.startswith(b"\x89PNG")


def test_slow_contenders_take_part_in_fewer_rounds() -> None:
    calls = {"slow": (time.sleep, (0.02,)), "quick": (abs, (1,))}
    found = interleaved(calls, batch=1e-5, rounds=8)
    assert len(found["slow"]) == 3
    assert len(found["quick"]) == 8


def test_processes_have_their_threads_set_before_libraries_are_loaded() -> None:
    found = environment(1)
    assert {found[name] for name in THREADS} == {"1"}
    assert "multi_thread_eigen=false" in found["XLA_FLAGS"]
    assert environment(2)["OPENBLAS_NUM_THREADS"] == "2"
    assert environment(1, avx512=False)["ATEN_CPU_CAPABILITY"] == "avx2"


def test_the_machine_is_described_without_hosts_or_paths() -> None:
    text = " ".join(features().values())
    assert "numpy" in text
    assert sys.prefix not in text
    assert str(Path.home()) not in text
