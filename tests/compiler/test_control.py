"""Loops and branches of a model: each against the Python program that it reads like."""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.compiler.frontend.model import check
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.model import Program
from autodiffc.compiler.verify import verify
from autodiffc.grammar.parser import parse
from autodiffc.grammar.source import Source
from control_cases import HEAD, MODELS, SIZES, VALUES, reference


def program(text: str) -> Program:
    model, diagnostics = parse(Source("model.dsl", text))
    return check(model, diagnostics)


@pytest.mark.parametrize("name", MODELS)
def test_model_means_what_python_means(name: str) -> None:
    graph = program(f"{HEAD}{MODELS[name]}output f\n").graph
    verify(graph, name)
    arguments = {key: np.asarray(value) for key, value in VALUES.items()}
    value = evaluate(graph, arguments, SIZES)["f"]
    np.testing.assert_allclose(value, reference(MODELS[name]), rtol=1e-12)
