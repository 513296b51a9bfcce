"""NIST's 27 nonlinear regressions: each fitted from both starts, to the digits known to be reachable.

    found = fit.minimise(model.objective(*columns), start1)     # the emitted gradient, nothing else
    fit.digits(found, certified) >= 10.3

The script examples/nist/fit.py says how.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

INDEX = "nist_strd/index.json"
NAMES = """Bennett5 BoxBOD Chwirut1 Chwirut2 DanWood ENSO Eckerle4 Gauss1 Gauss2 Gauss3 Hahn1 Kirby2 Lanczos1
           Lanczos2 Lanczos3 MGH09 MGH10 MGH17 Misra1a Misra1b Misra1c Misra1d Nelson Rat42 Rat43 Roszman1
           Thurber""".split()  # noqa: SIM905

# Certified values have 11 digits: rounding them moves a value by up to 5e-11 of itself.
CERTIFIED_DIGITS = 10.3


@pytest.fixture(scope="module")
def fit(examples: Path) -> ModuleType:
    """The script examples/nist/fit.py, imported."""
    spec = importlib.util.spec_from_file_location("fit", examples / "nist" / "fit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def problem(fit: ModuleType, cases: Callable[[str], Path]) -> Callable[[str], Any]:
    """`problem("ENSO")`: the contents of NIST's data file."""
    return cache(lambda name: fit.read(cases(f"nist_strd/{name}.dat")))


def rounding_of_rss(columns: list[Any], rss: float) -> float:
    """How far rounding the residuals, once each, moves their sum of squares."""
    each = np.finfo(float).eps * np.abs(columns[0]).max()
    return float(2 * np.sqrt(len(columns[0]) * rss) * each)


def test_every_data_set_has_its_model(index: Callable[[str], Any], examples: Path) -> None:
    assert sorted(index(INDEX)) == sorted(NAMES)
    assert sorted(path.stem for path in (examples / "nist").glob("*.dsl")) == sorted(NAMES)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_at_the_starts(
    build: Callable[..., ModuleType], index: Callable[[str], Any], problem: Any, name: str, level: int
) -> None:
    objective = build(f"nist/{name}", level).objective(*problem(name).columns)
    for which, start in zip("12", problem(name).starts, strict=True):
        expected = index(INDEX)[name][f"at_start{which}"]
        value, gradient = objective(start)
        assert value == pytest.approx(expected["rss"], rel=1e-13)
        # The reference's own two ways of working it out differ by grad_check_rel.
        rounding = 1e-13 + 3 * expected["grad_check_rel"]
        assert gradient == pytest.approx(expected["grad_rss"], rel=rounding)


def test_the_initial_values_are_the_second_start(build: Callable[..., ModuleType], problem: Any) -> None:
    for name in NAMES:
        m = build(f"nist/{name}")
        assert m.pack(m.init_params()).tolist() == problem(name).starts[1].tolist()


@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_fit(
    build: Callable[..., ModuleType],
    fit: ModuleType,
    index: Callable[[str], Any],
    problem: Any,
    name: str,
    which: int,
) -> None:
    data, reachable = problem(name), index(INDEX)[name]["verification"][f"from_start{which}"]
    objective = build(f"nist/{name}").objective(*data.columns)
    found = fit.minimise(objective, data.starts[which - 1])
    rss = objective(found)[0]
    assert fit.digits(found, data.parameters) >= min(reachable["digits_params"], CERTIFIED_DIGITS)
    tolerance = data.rss * 10 ** -min(reachable["digits_rss"], CERTIFIED_DIGITS)
    assert abs(rss - data.rss) <= tolerance + rounding_of_rss(data.columns, data.rss)


def test_the_script_prints_what_it_found(
    fit: ModuleType, cases: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    fit.main([str(cases("nist_strd/Misra1a.dat")), "--start", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["found", "certified"]
    assert [line.split()[0] for line in lines[1:4]] == ["b1", "b2", "RSS"]
    assert lines[4] == "agree on 11.0 digits of the parameters and 10.5 of the RSS"
