"""Whatever a model computes, it can be looked at: the examples at small random arguments."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler.samples import draw, size_choices
from autodiffc.diagnosis import WrongData, diagnosis_of
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.reading import read_source

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.dsl"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example(path: Path) -> None:
    try:
        program = program_of(read_source(str(path)))
    except ModelError:
        pytest.skip("functions for other files")
    sizes = next(iter(size_choices(program, {})))
    names = {argument.name for argument in program.arguments}
    for seed in range(20):
        drawn = draw(program, sizes, np.random.default_rng(seed), seed)
        try:
            diagnosis = diagnosis_of(program, {k: v for k, v in drawn.items() if k in names})
        except WrongData:  # an assertion of the model, a singular matrix
            continue
        break
    found = json.loads(diagnosis.json())
    assert len(found["params"]) == len(program.wrt)
    assert diagnosis.html().endswith("</html>\n")
    assert str(diagnosis).startswith(f"{program.name}: ")
    assert all(finding.line for finding in diagnosis.findings)
