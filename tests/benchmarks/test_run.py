"""The command: two small workloads without peers, its files, what is kept, what is taken up again."""

from __future__ import annotations

import json
from pathlib import Path

import contest.running
import pytest
import run
from contest.contenders import OURS
from contest.ratios import ratio
from contest.running import Setting, Store

QUICK = ("--only", "scalar3", "mgh_broyden", "--quick", "--no-peers", "--workloads-alone")


def test_two_workloads_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.md"
    results = tmp_path / "results"
    arguments = [*QUICK, "--results", str(results), "--out", str(out)]
    assert run.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "scalar3: -O2 " in printed
    text = out.read_text(encoding="utf-8")
    assert "| MGH Broyden tridiagonal, n = 100 |" in text
    assert str(tmp_path) not in text
    assert not {"{machine}", "{figure}", "{tables}"} & set(text.split())
    kept = {path.name: path.stat().st_mtime_ns for path in results.iterdir()}
    assert sorted(kept) == ["mgh_broyden.1.json", "scalar3.1.json"]

    assert run.main([*arguments, "--resume"]) == 0
    assert kept == {path.name: path.stat().st_mtime_ns for path in results.iterdir()}


@pytest.mark.parametrize(
    ("given", "compiles"), [([], True), (["--quick"], False), (["--quick", "--with", "compile"], True)]
)
def test_who_takes_part(given: list[str], compiles: bool) -> None:
    (setting,) = run.settings(run.options(given))
    assert ("compile" in setting.contenders) == compiles
    assert {"O2", "best", "jax"} <= set(setting.contenders)


def test_an_interrupted_run_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop_at_the_second(name: str, *_: object) -> object:
        if name != "scalar3":
            raise KeyboardInterrupt
        return {level: {"difference": 0.0, "times": [1e-6, 2e-6]} for level in OURS}

    monkeypatch.setattr(contest.running, "run", stop_at_the_second)
    assert run.main([*QUICK, "--results", str(tmp_path)]) == 0
    assert "--resume" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["scalar3.1.json"]


def test_a_level_that_is_wrong_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"O2": {"wrong": "differs by 1e-03", "difference": "0.001"}}
    monkeypatch.setattr(contest.running, "run", lambda *_: wrong)
    assert run.main([*QUICK, "--results", str(tmp_path)]) == 1


def test_kept_results_must_hold_what_is_asked(tmp_path: Path) -> None:
    store, setting = Store(tmp_path), Setting(contenders=("O1", "O2"))
    assert store.read("scalar3", setting) is None
    store.write("scalar3", setting, {"O1": {"times": [1.0]}, "O2": {"times": [2.0]}})
    assert store.read("scalar3", Setting(contenders=("O2",))) == {"O2": {"times": [2.0]}}
    assert store.read("scalar3", Setting(contenders=("O2", "best"))) is None
    assert store.read("scalar3", Setting(contenders=("O2",), quick=True)) is None
    assert store.read("scalar3", Setting(threads=2, contenders=("O2",))) is None
    store.path("scalar3", setting).write_text("{", encoding="utf-8")
    assert store.read("scalar3", setting) is None


def test_a_process_that_fails_says_why() -> None:
    results = contest.running.in_process("no such workload", ("O1",), Setting(quick=True))
    assert results["O1"]["skipped"].startswith("failed: KeyError")


def test_ratios_are_taken_within_rounds() -> None:
    results = json.loads(
        '{"O2": {"times": [1, 10, 100]}, "best": {"times": [2, 20, 200]}, "jax": {"skipped": "-"}}'
    )
    found = ratio(results, "best", "O2")
    assert found is not None
    assert tuple(found) == (2.0, 2.0, 2.0)
    assert ratio(results, "jax", "O2") is None
