"""The teaching form: each backward line is a step of the chain rule, told in the model's names."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from random import Random

import numpy as np
import pytest
from autodiffc.api import Options, compile, derivative_of, module_of, module_text, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.grammar.reading import read_source
from whole_checks import case_of, results
from whole_models import whole_model

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.dsl"))
ARRAYS = "dim N, D, K\nparam x: real[N, D]\nparam W: real[D, K]\nparam b: real[K]\n"


def backward(text: str, function: str = "value_and_grad") -> list[str]:
    """The lines of the adjoint, with one space before a note."""
    module = compile(text, level=0)
    body = module[module.index(f"def {function}(") :]
    body = body[body.index("# adjoint of") : body.index("    return ")]
    return [re.sub(r" +# ", " # ", line).strip() for line in body.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("param x, y: real\nloss f = x * y\n", "d_x = d_f * y # ∂f/∂x = ∂f/∂f · y     each factor gets the other"),
        ("param x, y: real\nloss f = x / y\n", "# ∂f/∂y = ∂f/∂f · (−x/y²)"),
        ("param x, y: real\nloss f = x - y\n", "d_y = -d_f # ∂f/∂y = ∂f/∂f · (−1)"),
        ("param x: real\nloss f = sin(x)\n", "d_x = d_f * _cos(x) # ∂f/∂x = ∂f/∂f · cos(x)"),
        ("param x: real\nloss f = tanh(x)\n", "d_x = d_f * (1.0 - f * f) # ∂f/∂x = ∂f/∂f · tanh'(x)"),
        ("param x: real\nloss f = exp(x)\n", "d_x = d_f * f # ∂f/∂x = ∂f/∂f · f"),
        ("param x, y: real\nloss f = maximum(x, y)\n", "# ∂f/∂x = ∂f/∂f · 1[x > y]     the larger gets it"),
        (ARRAYS + "h = sigmoid(x)\nloss L = sum(h)\n", "d_x = d_h * (h * (1.0 - h)) # ∂L/∂x = ∂L/∂h ⊙ σ'(x)"),
        (ARRAYS + "z = x @ W\nloss L = sum(z)\n", "d_x = d_z @ W.T # ∂L/∂x = ∂L/∂z Wᵀ"),
        (ARRAYS + "z = x @ W\nloss L = sum(z)\n", "d_W = x.T @ d_z # ∂L/∂W = xᵀ ∂L/∂z"),
        (ARRAYS + "z = x @ W + b\nloss L = sum(z)\n", "d_b = d_z.sum(axis=0) # ∂L/∂b = Σ ∂L/∂z · 1     a sum passes it on"),
        (ARRAYS + "loss L = mean(x)\n", "# ∂L/∂x = ∂L/∂L · 1/(D N)"),
        (ARRAYS + "v = b**2\nloss L = sum(v)\n", "d_b = 2.0 * d_v * b # ∂L/∂b = ∂L/∂v ⊙ 2 b"),
        (
            "dim N, K\ninput y: int[N] in range(K)\nparam z: real[N, K]\nl = cross_entropy(z, y)\nloss L = sum(l)\n",
            "# ∂L/∂z = ∂L/∂l ⊙ (softmax(z) − onehot(y))",
        ),
    ],
)  # fmt: skip
def test_a_step_is_told(text: str, line: str) -> None:
    lines = backward(text)
    assert any(line in shown for shown in lines), "\n".join(lines)


def test_the_derivative_begins_with_that_of_the_target_by_itself() -> None:
    assert "d_f = 1.0 # ∂f/∂f" in backward("param x: real\nloss f = x * x\n")
    assert not [line for line in backward("param x: real\nloss f = x * x\n", "backward") if "d_f = 1" in line]


def test_at_a_fork_gradients_add() -> None:
    lines = backward("param x, y: real\na = x + y\nb = x * y\nloss f = a * b + x\n")
    ways = [line for line in lines if line.startswith("d_x = ")]
    assert len(ways) == 3
    assert ways[0].endswith("first of the three paths to x")
    assert all(line.startswith("d_x = d_x + ") for line in ways[1:])
    assert ways[1].endswith("at a fork gradients add")  # said once
    assert all("∂f/∂x = ∂f/∂x + ∂f/∂" in line for line in ways[1:])


def test_each_gradient_has_a_line_of_its_own() -> None:
    lines = backward("param x, y: real\nloss f = x + y\n")
    assert [line.partition(" # ")[0] for line in lines[1:]] == ["d_f = 1.0", "d_x = d_f", "d_y = d_f"]


def test_what_a_sum_hands_on_is_called_after_each_value() -> None:
    """No step of the model is left out, though the numbers are those of the step before."""
    text = "input x, t: real\nparam w, c: real\ng = w * x\ny = g + c\nr = y - t\nloss E = r**2\n"
    assert backward(text)[1:] == [
        "d_E = 1.0 # ∂E/∂E",
        "d_r = 2.0 * d_E * r # ∂E/∂r = ∂E/∂E · 2 r",
        "d_y = d_r # ∂E/∂y = ∂E/∂r · 1",
        "d_g = d_y # ∂E/∂g = ∂E/∂y · 1     a sum passes it on",
        "# adjoint of 3",
        "d_w = d_g * x # ∂E/∂w = ∂E/∂g · x     each factor gets the other",
        "d_c = d_y # ∂E/∂c = ∂E/∂y · 1",
    ]


def test_values_of_one_name_are_told_apart() -> None:
    """In a branch that assigns a name again no step is told that another of the name takes."""
    text = """input x, k: real
param w: real
h = tanh(x * w)
if k > 0:
    g = exp(h)
    h = g * w
else:
    h = h + w
    h = h * h
loss L = h * w
"""
    lines = backward(text)
    assert "d_h_2 = d_h * h_3 + d_h * h_3 # ∂L/∂h before = ∂L/∂h · h_3 + ∂L/∂h · h_3" in lines
    assert "d_g = d_h * w # ∂L/∂g = ∂L/∂h · w" in lines
    text = text.replace(
        "input x, k: real\nparam w: real", "input k: real\ninput x: real[3]\nparam w: real[3]"
    )
    arrays = backward(text.replace("= h * w", "= sum(h * w)"))
    assert "d_w_2 = d_w # ∂L/∂w so far" in arrays
    for line in (*lines, *arrays):  # told as a sum is what is one
        if re.search(r"# ∂L/∂(\w+) = ∂L/∂\1 \+ ", line):
            assert re.match(r"d_\w+ (\+=|= d_\w+ \+) ", line), line


def test_what_two_functions_are_made_of_is_computed_once() -> None:
    text = "dim N, D\ninput y: int[N] in range(D)\nparam z: real[N, D]\noutput p = softmax(z)\n"
    module = compile(text + "loss L = mean(cross_entropy(z, y))\n", level=0)
    body = module[module.index("def value_and_grad(") : module.index("def grad(")]
    assert (body.count("np.exp("), body.count(".max(")) == (1, 1)
    twice = compile("param x: real[3]\na = exp(x)\nb = exp(x)\nloss f = sum(a * b)\n", level=0)
    body = twice[twice.index("def value_and_grad(") : twice.index("def grad(")]
    assert body.count("np.exp(") == 2  # as it is written


@pytest.mark.parametrize(
    "text",
    [
        "param x, y: real\np = x * y\nq = x**2\nu = p + q\nloss f = u**2\n",  # which of the two would it be?
        "param x, y: real\np = x * y\nu = p + y\nloss f = u**2 + p\n",
        "param x, y: real\np = x * y\nu = y - p\nloss f = u**2\n",
        ARRAYS + "p = x @ W\nu = p + b\nloss L = sum(u**2)\n",  # b gets a sum of it
    ],
)
def test_where_a_gradient_is_not_one_values_alone_it_has_one_name(text: str) -> None:
    assert not [line for line in backward(text) if line.startswith("d_p = d_u #")]


def test_the_adjoint_reads_what_the_model_has_computed() -> None:
    text = ARRAYS + "output p = softmax(x @ W)\nloss L = sum(p**2)\n"
    assert not any(".exp(" in line for line in backward(text))


def test_the_steps_of_a_loop_are_told() -> None:
    text = (
        "dim T, H\ninput x: real[T, H]\nparam U: real[H, H]\nh = zeros(H)\n"
        "for t in range(T):\n    z = x[t] + h @ U\n    h = tanh(z)\nloss L = sum(h)\n"
    )
    lines = backward(text)
    assert any(line.endswith("∂L/∂z = ∂L/∂h ⊙ tanh'(z)") for line in lines), "\n".join(lines)
    assert "d_U = np.zeros((H, H)) # ∂L/∂U = 0 at first" in lines


def test_what_is_added_to_a_part_is_told() -> None:
    gathered = "dim N, V\ninput w: int[N] in range(V)\nparam E: real[V]\np = E[w]\nloss L = sum(p * p)\n"
    assert any(line.endswith("# ∂L/∂E[w] += ∂L/∂p") for line in backward(gathered))
    text = "dim T\nparam x: real[T]\nh = 0.0\nfor t in range(T):\n    z = x[t] * x[t]\n    h = h + z\nloss L = h\n"
    assert any(line.startswith("d_x[t] += ") and "# ∂L/∂x[t] += ∂L/∂" in line for line in backward(text))


def test_what_a_variable_held_is_read_before_it_is_written_over() -> None:
    """`d_h = …` in a loop's body must not hide the gradient of the step after, which is still read."""
    case = case_of(whole_model(Random(9034), 4), 9034, whole_model(Random(9034), 4).sizes)
    found = [results(case, Options(level=level))[1] for level in (0, 2)]
    for name, gradient in found[0].items():
        np.testing.assert_allclose(gradient, found[1][name], rtol=1e-9, atol=1e-12)


def test_a_label_is_no_name_of_the_model() -> None:
    """Not even that of a loop's step, which only the body knows: `a` is the first label."""
    text = "dim T\nparam x: real[T]\nh = 0.0\nfor a in range(T):\n    h = h + sin(x[a] * x[a])\nloss L = h\n"
    module = module_of(compile(text, level=0), "steps")
    assert "a" not in {name for line in backward(text) for name in re.findall(r"d_(a)\b", line)}
    assert module.value_and_grad(np.array([0.5, 2.0]))[1].x.tolist() == pytest.approx(
        [np.cos(0.25), 4 * np.cos(4.0)]
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_step_of_a_gradient_is_told(path: Path) -> None:
    """Each statement of the adjoint that gives a value of the model its gradient has a formula for it."""
    program = program_of(read_source(str(path)))
    if program.target is None or not program.scalar_target:
        return
    text = module_text(program, Options(level=0))
    lines = text.splitlines()
    function = next(f for f in ast.parse(text).body if getattr(f, "name", "") == "value_and_grad")
    start = next(k for k in range(function.lineno, len(lines)) if "adjoint of" in lines[k])
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and node.lineno > start and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            zero = "np.zeros" in ast.unparse(node.value)  # of a branch that doesn't use it
            if not zero and re.fullmatch("d_(" + "|".join(map(re.escape, program.wrt)) + ")", name):
                near = lines[node.lineno - 2 : node.end_lineno]
                assert any(f"∂{program.target}/∂" in line for line in near), near


def test_the_graph_of_the_teaching_form_can_be_evaluated() -> None:
    program = program_of(read_source(str(EXAMPLES[0].with_name("max.dsl"))))
    graph = derivative_of(program, Options(level=0)).value_and_grad
    assert graph is not None
    point = {"x": np.array(1.0), "y": np.array(2.0), "z": np.array(0.0)}
    found = evaluate(graph, point, {})
    assert [float(found[name]) for name in ("f", "d_x", "d_y", "d_z")] == [6.0, 2.0, 5.0, 0.0]
    module = module_of(module_text(program, Options(level=0)), "max")
    assert module.value_and_grad(1.0, 2.0, 0.0) == (6.0, (2.0, 5.0, 0.0))
