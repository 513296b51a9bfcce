"""The formulas of derivations: their values are those of the compiled gradient, and they read as they were blessed.

`pytest tests/compiler/test_derivation.py --update` writes what the compiler gives now.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from random import Random

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler.derivation import document
from autodiffc.compiler.derivation.closed import closed
from autodiffc.compiler.derivation.graphs import Derived, derived
from autodiffc.compiler.derivation.text import Text
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.compiler.points import PointFinder
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from control_cases import HEAD, MODELS
from derivation_values import differing, second_values
from direction_models import MODELS as DIRECTION_MODELS
from expressions import EXPRESSIONS
from expressions import HEAD as EXPRESSION_HEAD
from indexed_models import INDEXED
from whole_models import whole_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.dsl"))
GOLDEN = Path(__file__).with_name("formulas")
# At the points that are drawn these are singular matrices, or rounding decides: no number to compare.
SINGULAR = ("inv(x.T @ x)", "inv(x.T @ x)[None] + 1", "solve(x.T @ x, v)", "cholesky(x.T @ x)", "inf")
FORMATS = {"text": "txt", "latex": "tex", "mathml": "html"}
SCALARS = {
    "kink": "input x, y, z: real\noutput f = (x + y) * maximum(y, z)\ngrad f wrt x, y, z\n",
    "survey": "input x1, x2: real\noutput f = log(x1) + x1 * x2 - sin(x2)\ngrad f wrt x1, x2\n",
    "normal": "param x, mu: real\nparam s: real > 0\nloss f = 0.5 * ((x - mu) / s)**2 + log(s)\n",
    "valley": "param x, y: real\nloss f = (1 - x)**2 + 100 * (y - x**2)**2\n",
    "length": "param x, y: real\nloss f = sqrt(x**2 + y**2)\n",
    "sides": "param x: real\nloss f = where(x > 0, x**2, -x)\n",
    "special": "param x, k: real > 0\nloss f = lgamma(x) + x**k + polygamma(2, x) * polygamma(1, k)\n",
    "logistic": "param x: real\nloss f = exp(x) / (1 + exp(x))\n",
    "names": "param theta_1, x_hat, lambda: real\nconst rate = 0.3\nloss f = rate * theta_1 * tanh(x_hat / lambda)\n",
}


def source(text: str) -> Source:
    return Source("model.dsl", text)


def shown(path: Path, form: str) -> str:
    program = program_of(Source(path.name, read_source(str(path)).text, str(path)))
    return document(derived(program, program.wrt), form)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_formulas_of_an_example_have_the_values_of_its_gradient(name: str) -> None:
    assert differing(program_of(read_source(str(EXAMPLES / f"{name}.dsl")))) == []


@pytest.mark.parametrize("name", MODELS)
def test_formulas_of_loops_and_branches(name: str) -> None:
    text = f"{HEAD}{MODELS[name]}output f\ngrad f wrt x, v, A, W, s\n"
    assert differing(program_of(source(text))) == []


@pytest.mark.parametrize("name", DIRECTION_MODELS)
def test_formulas_of_layers(name: str) -> None:
    assert differing(program_of(source(DIRECTION_MODELS[name].text))) == []


def test_formulas_of_every_expression() -> None:
    wrong = []
    for expression, _ in EXPRESSIONS:
        if expression.replace(", upper=true", "") in SINGULAR:
            continue
        tail = f"r_ = {expression}\nloss L = sum(r_ * r_ + sin(1.0 * r_))\ngrad L wrt x, u, v, s\n"
        wrong += [expression] if differing(program_of(source(EXPRESSION_HEAD + tail))) else []
    assert not wrong


@pytest.mark.parametrize("seed", range(20))
def test_formulas_of_random_models(seed: int) -> None:
    assert differing(program_of(source(whole_model(Random(seed)).text))) == []


@pytest.mark.parametrize("name", SCALARS)
def test_closed_forms(name: str) -> None:
    program = program_of(source(SCALARS[name]))
    assert closed(derived(program, program.wrt)) is not None
    assert differing(program, *range(5)) == []


@pytest.mark.parametrize("name", SCALARS)
def test_second_derivatives_are_those_of_differences(name: str) -> None:
    program = program_of(source(SCALARS[name]))
    of = derived(program, program.wrt)
    graph = derive(program, 1).value_and_grad
    assert graph is not None
    point = dict(PointFinder(program, np.random.default_rng(3)).find({}).arguments)
    found = second_values(of, point)
    assert set(found) == {(x, y) for x in of.wrt for y in of.wrt}
    for x in of.wrt:
        step = 1e-6 * max(1.0, abs(float(point[x])))
        sides = [evaluate(graph, {**point, x: point[x] + sign * step}, {}) for sign in (1, -1)]
        for y in of.wrt:
            slope = (sides[0][f"d_{y}"] - sides[1][f"d_{y}"]) / (2 * step)
            assert found[x, y] == pytest.approx(slope, rel=1e-5, abs=1e-6), (x, y)


@pytest.mark.parametrize("name", INDEXED)
def test_formulas_in_index_notation(name: str) -> None:
    assert differing(program_of(source(INDEXED[name].text)), 0, 1) == []
    shown = document(_derived(INDEXED[name].text))
    for line in INDEXED[name].lines:
        assert line in shown, shown


def _derived(text: str) -> Derived:
    program = program_of(source(text))
    return derived(program, program.wrt)


def test_a_wrong_formula_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from autodiffc.compiler.derivation import wholes

    monkeypatch.setattr(wholes, "transposed", lambda matrix: matrix)
    program = program_of(source("param x, y: real[3]\nloss L = sum(outer(x, y)**3)\n"))
    with pytest.raises(ValueError, match="matmul"):
        differing(program)


# --- texts ---------------------------------------------------------------------------------------


def test_closed_forms_read_as_a_person_writes_them() -> None:
    rows = {}
    for name, text in SCALARS.items():
        program = program_of(source(text))
        equations = closed(derived(program, program.wrt)) or ()
        rows[name] = [f"{Text().text(e.left)} = {Text().text(e.right)}" for e in equations]
    assert rows["kink"] == [
        "∂f/∂x = max(y, z)",
        "∂f/∂y = (x + y) 1[y > z] + max(y, z)",
        "∂f/∂z = (x + y) 1[y ≤ z]",
    ]
    assert rows["survey"] == ["∂f/∂x1 = x2 + 1/x1", "∂f/∂x2 = x1 − cos(x2)"]
    assert rows["length"] == ["∂f/∂x = x / √(x² + y²)", "∂f/∂y = y / √(x² + y²)"]
    assert rows["sides"] == ["∂f/∂x = 2 x 1[x > 0] − 1[x ≤ 0]"]
    assert rows["logistic"] == ["∂f/∂x = exp(x) / (exp(x) + 1)²"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["classifier", "char_rnn", "hidden_markov", "gaussian_process", "max"])
def test_the_text_is_as_it_was_blessed(name: str, form: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.{FORMATS[form]}"
    text = shown(EXAMPLES / f"{name}.dsl", form)
    if request.config.getoption("--update"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_balanced(name: str) -> None:
    text = shown(EXAMPLES / f"{name}.dsl", "latex")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert code.isascii()
    assert code.count(r"\left") - code.count(r"\leftarrow") == code.count(r"\right")
    for row in code.split("\\\\\n"):
        _assert_braces_match(row)
        assert not re.search(r"\^□\^|_□_|'\^|\^□_□\^|_□\^□_", _without_groups(row)), row
    begun = re.findall(r"\\begin\{([a-z*]+)\}", code)
    assert sorted(begun) == sorted(re.findall(r"\\end\{([a-z*]+)\}", code))


def _without_groups(text: str) -> str:
    """The text with a box for each group; a second index on the same base is an error of LaTeX."""
    while text != (shorter := re.sub(r"\{[^{}]*\}", "□", text)):
        text = shorter
    return text


def _assert_braces_match(text: str) -> None:
    depth = 0
    for char in text.replace(r"\{", "").replace(r"\}", ""):
        depth += (char == "{") - (char == "}")
        assert depth >= 0, text
    assert depth == 0, text


@pytest.mark.parametrize("name", NAMES)
def test_mathml_is_well_formed(name: str) -> None:
    text = shown(EXAMPLES / f"{name}.dsl", "mathml")
    root = ET.fromstring(f"<body>{text}</body>")
    known = {
        "math",
        "mtable",
        "mtr",
        "mtd",
        "mrow",
        "mi",
        "mo",
        "mn",
        "mtext",
        "msub",
        "msup",
        "msubsup",
        "mfrac",
        "msqrt",
        "mover",
        "munder",
        "mspace",
    }
    assert {element.tag for element in root.iter()} <= known | {"body", "style", "h3", "p", "sub", "sup"}
    arity = {"msub": 2, "msup": 2, "msubsup": 3, "mfrac": 2, "mover": 2, "munder": 2}
    for element in root.iter():
        assert len(element) == arity.get(element.tag, len(element)), ET.tostring(element, "unicode")


@pytest.mark.parametrize("name", NAMES)
def test_text_is_narrow(name: str) -> None:
    for line in shown(EXAMPLES / f"{name}.dsl", "text").splitlines():
        assert len(line) < 80, line


@pytest.mark.parametrize(
    "text", ["log(w - w)", "1 / (w - w)", "(w - w) / (w - w)", "w / (1e308 * 1e308 * w)", "0 / (0 * w)"]
)
def test_fractions_over_zero_are_written(text: str) -> None:
    program = program_of(source(f"param w: real\nloss L = {text}\n"))
    for form in FORMATS:
        assert document(derived(program, program.wrt), form)


def test_values_that_many_read_take_time_in_proportion() -> None:
    """The paths from the loss to a value are more than can be gone."""
    random, names = Random(3), ["w", "x"]
    lines = ["input x: real", "param w: real"]
    for k in range(600):
        form = random.choice(["sin({}) + {}", "tanh({} * {})", "{} * 0.5 - {}", "maximum({}, {})"])
        lines.append(f"n{k} = {form.format(random.choice(names[-8:]), random.choice(names[-20:]))}")
        names.append(f"n{k}")
    text = "\n".join([*lines, "loss L = n599**2 + n598 + n597\n"])
    program = program_of(source(text))
    assert document(derived(program, program.wrt), "text").count("\n") > 600
