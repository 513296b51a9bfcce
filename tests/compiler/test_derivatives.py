"""Derivatives as values of a model: against JAX, against SymPy, against the model's own gradient."""

from __future__ import annotations

import os
import re
from random import Random
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.model import Program
from autodiffc.compiler.ops.derivatives import DERIVATIVES, named
from autodiffc.compiler.passes.derivatives import Derivatives
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.verify import verifying
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.source import Source
from derivative_models import HEAD, SIZES, TAIL, VALUES, models
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_models import WRT, random_arguments, random_model
from whole_derivatives import WHOLE

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
MODELS = models(jax)
LEVELS = (0, 1, 2)


def checked(text: str) -> Program:
    return program_of(Source("model.dsl", text))


def compiled(program: Program, **options: Any) -> Any:
    return module_of(module_text(program, Options(**options)), "model")


def program_named(name: str) -> Program:
    return checked(HEAD + MODELS[name][0] + TAIL)


def agree(found: Any, wanted: Any, tolerance: float) -> None:
    for one, other in zip(found, wanted, strict=True):
        scale = 1.0 + float(np.max(np.abs(other)))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


# --- a table of models ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_value_and_gradient_are_those_of_jax(name: str) -> None:
    program, reference = program_named(name), MODELS[name][1]
    wanted = (reference(*VALUES), *jax.grad(reference, tuple(range(len(VALUES))))(*VALUES))
    for level in LEVELS:
        value, grads = compiled(program, level=level).value_and_grad(*VALUES)
        agree((value, *grads), wanted, 1e-12)
    value, grads = compiled(program, dtype="float32").value_and_grad(*VALUES)
    agree((value, *grads), wanted, 1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_the_interpreter_gives_the_same_value(name: str) -> None:
    program = program_named(name)
    arguments = {a.name: np.asarray(value) for a, value in zip(program.arguments, VALUES, strict=True)}
    found = evaluate(program.graph, arguments, SIZES)["f"]
    np.testing.assert_allclose(found, MODELS[name][1](*VALUES), rtol=1e-12)


@pytest.mark.parametrize("name", [*MODELS, *WHOLE])
def test_sympy_and_differences_agree(name: str) -> None:
    program = checked(WHOLE[name]) if name in WHOLE else program_named(name)
    sizes = dict.fromkeys(program.dims, 2)
    report = check(program, compiled(program), sizes=sizes, points=1, surrogates=["sq"])  # means to be wrong
    assert report.ok
    assert all(row.symbolic.status == row.differences.status == "ok" for row in report.rows)
    assert all(comparison.status == "ok" for _, comparison in report.values)


@pytest.mark.parametrize(
    "text", ["grad(sin(a) * a, a)", "jvp(sin(a) * a, a, 2.0)", "grad(grad(sin(a), a), a)"]
)
def test_the_check_sees_a_wrong_rule(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = checked(f"param a: real\nloss L = {text}**2\n")
    assert check(program, compiled(program), points=1).ok
    rule = ops.sin.vjp
    monkeypatch.setitem(ops.sin.__dict__, "vjp", lambda g, out, x: (1.001 * rule(g, out, x)[0],))
    report = check(program, compiled(program), points=1)
    assert not report.ok
    assert dict(report.values)["L"].status == "differs"


@pytest.mark.parametrize("name", WHOLE)
def test_all_levels_and_both_types_agree(name: str) -> None:
    program = checked(WHOLE[name])
    for options in ({"level": 0}, {"level": 2}, {"numerics": "precise"}, {"dtype": "float32"}):
        report = check(program, compiled(program, **options), points=1, dtype=options.get("dtype", "float64"))
        assert report.ok, options


@pytest.mark.parametrize("name", [*MODELS, *WHOLE])
def test_what_is_differentiated_has_plain_nodes(name: str) -> None:
    program = checked(WHOLE[name]) if name in WHOLE else program_named(name)
    assert named not in ops_in(program.graph)
    assert DERIVATIVES & ops_in(program.graph)
    for level in LEVELS:
        after = prepare(program.graph, level, None, verifying)
        assert not DERIVATIVES & ops_in(after)


@pytest.mark.parametrize("name", [*MODELS, *WHOLE])
def test_the_text_of_a_graph_reads_back(name: str) -> None:
    program = checked(WHOLE[name]) if name in WHOLE else program_named(name)
    text = print_graph(program.graph)
    plain = "\n".join(line.split("  # ")[0] for line in text.splitlines())
    again = print_graph(parse_graph(text))
    assert "\n".join(line.split("  # ")[0] for line in again.splitlines()) == plain


def ops_in(graph: Graph) -> set[Any]:
    found, stack = set(), [graph]
    while stack:
        for node in stack.pop().nodes():
            found.add(node.op)
            stack.extend(node.subgraphs())
    return found


# --- what a name stands for ----------------------------------------------------------------------


def value_of(text: str) -> float:
    return float(evaluate(checked(text + "\noutput f").graph, {"a": np.array(2.0)}, {})["f"])


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("b = a\nf = grad(a * b, a)", 4.0),
        ("b = a\nf = grad(a * b, b)", 2.0),
        ("b = a\nc = b\nf = grad(a * b * c**2, b)", 24.0),
        ("b = a\nc = b\nf = grad(a * b * c**2, c)", 16.0),
        ("b = a\nc = b\nf = grad(a * b * c**2, a)", 32.0),
        ("def f(p, q):\n    return grad(p * q**2, q)\nf = f(a, a)", 8.0),
        ("def f(a, q):\n    return grad(a * q**2, a)\nf = f(a, a)", 4.0),
        ("def f(p):\n    return grad(a * p, p)\nf = f(a)", 2.0),
        ("def f(p):\n    return grad(a * p, a)\nf = f(a)", 4.0),
        ("def g(p):\n    return grad(p**3, p)\ndef f(p):\n    return grad(g(p) * p, p)\nf = f(a)", 36.0),
        ("output h = a\nf = grad(h * a, h)", 2.0),
        ("if a > 1:\n    b = a\nelse:\n    b = -a\nf = grad(a * b**2, b)", 8.0),
        ("b = a\nc = 1.0\nfor k in range(2):\n    b = b + 1\n    c = b\nf = grad(a * b * c, b)", 8.0),
        ("b = a\nfor k in range(2):\n    b = b + grad(a * b, b)\nf = b", 6.0),
        ("b = a\nf = 0.0\nfor k in range(2):\n    c = b\n    f = f + grad(c * b * a, b)", 16.0),
        ("p, q = (a, a)\nf = grad(p * q**2, q)", 8.0),
        ("f = grad(a, a)", 1.0),
        ("b = 3 * a\nf = grad(b, b)", 1.0),
        ("b, c = (a, a)\ng, h = grad(b * c**2, b, c)\nf = g * 10 + h", 48.0),
        ("b = a**2\ng, h = grad(b * a, a, b)\nf = g * 10 + h", 122.0),
    ],
)
def test_a_name_stands_for_a_value_of_its_own(lines: str, value: float) -> None:
    assert value_of(f"input a: real\n{lines}") == value


def test_a_function_of_the_model_hides_grad() -> None:
    assert value_of("input a: real\ndef grad(x, y):\n    return x + y\nf = grad(a, a)") == 4.0


def test_functions_of_another_file(tmp_path: Any) -> None:
    (tmp_path / "slopes.dsl").write_text(
        "const c = 3.0\ndef slope(p, q):\n    return c * grad(p * q**2, q)\n", encoding="utf-8"
    )
    text = 'from "slopes.dsl" import slope\ninput a: real\noutput f = slope(a, a)\ngrad f wrt a\n'
    path = tmp_path / "model.dsl"
    path.write_text(text, encoding="utf-8")
    module = compiled(program_of(Source("model.dsl", text, str(path))))
    assert module.value_and_grad(2.0) == (24.0, (24.0,))


# --- how it is compiled --------------------------------------------------------------------------


def test_a_stability_rule_comes_before_the_derivative() -> None:
    text = "input z: real\ng = grad(log(1 + exp(z)), z)\noutput f = grad(g, z) + g\ngrad f wrt z\n"
    for level in LEVELS:
        value, grads = compiled(checked(text), level=level).value_and_grad(800.0)
        assert (value, grads[0]) == (1.0, 0.0)


def test_what_the_model_computes_anyway_is_computed_once() -> None:
    text = "dim N\ninput x: real[N]\nparam w: real[N]\nu = tanh(w * x)\ng = grad(sum(u), x)\nloss L = sum(g * u)\n"
    for level in LEVELS:
        source = module_text(checked(text), Options(level=level))
        body = source[source.index("def value_and_grad") : source.index("def grad")]
        assert len(re.findall(r"\bnp[._]tanh[(,]", body)) == 1


def test_a_graph_without_derivatives_is_left_alone() -> None:
    graph = checked("input a: real\noutput f = a**2").graph
    assert Derivatives().run(graph) is graph


def test_the_same_model_gives_the_same_text() -> None:
    text = HEAD + MODELS["residual of a network"][0] + TAIL
    assert module_text(checked(text), Options()) == module_text(checked(text), Options())


def test_a_derivative_of_high_order_is_refused_in_time() -> None:
    body = "w * w"
    for _ in range(40):
        body = f"grad({body} * w * w, w)"
    with pytest.raises(ModelError) as caught:
        checked(f"param w: real\nloss L = {body}\n")
    assert {d.code for d in caught.value.diagnostics} == {"E0212"}


def test_labels_that_only_a_derivative_uses_are_checked() -> None:
    module = compiled(checked(WHOLE["labels that are used in a derivative only"]))
    with pytest.raises(ValueError, match=r"y: expected int\[N\] in range\(3\)"):
        module.value_and_grad(np.ones((1, 2)), [-1], np.ones((2, 3)))


# --- random models -------------------------------------------------------------------------------


@settings(
    max_examples=40,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.integers(0, 2**32), st.integers(1, 4), st.sampled_from(WRT))
def test_random_models(seed: int, steps: int, by: str) -> None:
    """The gradient as a value is the model's; both ways to a Hessian's product agree, at each level."""
    text = random_model(Random(seed), steps).text.split("\ngrad ")[0].replace("\nloss L =", "\nE =")
    text += f"\nall = E + sum({by}**2)\n"
    arguments = random_arguments(seed)
    plain = checked(f"{text}output all\ngrad all wrt {by}\n")
    given = [arguments[a.name] for a in plain.arguments]
    value, (gradient,) = compiled(plain).value_and_grad(*given)
    assume(abs(value) < 1e4 and np.max(np.abs(gradient)) < 1e4)
    program = checked(
        f"{text}g = grad(all, {by})\noutput g\noutput h = jvp(g, {by}, cos({by}))\n"
        f"output d = sum(g * stop_gradient(cos({by})))\ngrad d wrt {by}\n"
    )
    for level in LEVELS:
        module = compiled(program, level=level)
        outputs, cache = module.forward(*given)
        agree([outputs.g], [gradient], 1e-9)
        assume(np.max(np.abs(outputs.h)) < 1e5)
        agree(module.backward(cache), [outputs.h], 1e-8)
