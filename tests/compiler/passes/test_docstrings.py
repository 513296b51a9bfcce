"""The worked examples in the docstrings of the passes, of the IR's text and of the verifier."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest
from autodiffc.compiler import passes
from autodiffc.compiler.passes import rules

MODULES = [
    *(f"autodiffc.compiler.passes.{m.name}" for m in pkgutil.iter_modules(passes.__path__)),
    *(f"autodiffc.compiler.passes.rules.{m.name}" for m in pkgutil.iter_modules(rules.__path__)),
    "autodiffc.compiler.irtext",
    "autodiffc.compiler.irparse",
    "autodiffc.compiler.verify",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
