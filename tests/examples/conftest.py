"""Fixtures for the tests of the examples: compiled models, and the third-party reference cases.

    def test_product(build):
        assert build("product").value_and_grad(-2, 5, -4) == (-12.0, (-4.0, -4.0, 3.0))

A test that needs a reference case is skipped where the cases are not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "cases"


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the examples."""
    return ROOT / "examples"


@pytest.fixture(scope="session")
def build(examples: Path) -> Callable[..., ModuleType]:
    """`build("mgh/watson", 2, n=9)`: the example compiled at -O2 with n = 9, and imported."""

    @cache
    def compiled(name: str, level: int = 1, **dims: int) -> ModuleType:
        module: ModuleType = autodiffc.load(examples / f"{name}.dsl", level=level, dims=dims)
        return module

    return compiled


@pytest.fixture(scope="session")
def derive(examples: Path) -> Callable[..., ModuleType]:
    """An example with functions on request, compiled and imported; `more` is added to its text.

    derive("mgh/watson", "hessian", level=2, n=9)
    derive("nist/Misra1a", "jacobian", more="grad y_hat wrt b1, b2")
    """

    @cache
    def compiled(name: str, *emit: str, more: str = "", level: int = 1, **dims: int) -> ModuleType:
        path = examples / f"{name}.dsl"
        text = f"{path.read_text(encoding='utf-8')}{more}\n"
        options = Options(dims, level, emit=emit)
        return module_of(
            module_text(program_of(Source(path.name, text, str(path)), dims), options), path.stem
        )

    return compiled


@pytest.fixture(scope="session")
def cases() -> Callable[[str], Path]:
    """`cases("mgh/index.json")`: a file of the reference cases, which lie beside the project."""

    def find(name: str) -> Path:
        if not CASES.is_dir():
            pytest.skip("the reference cases (../shared/cases beside the project) are not here")
        return CASES / name

    return find


@pytest.fixture(scope="session")
def index(cases: Callable[[str], Path]) -> Callable[[str], Any]:
    """`index("mgh/index.json")`: a JSON file of the reference cases, read."""
    return cache(lambda name: json.loads(cases(name).read_text(encoding="utf-8")))
