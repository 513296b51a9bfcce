"""The table of `autodiffc check`, its exit status, and what it says of sizes that do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from autodiffc.api import program_of
from autodiffc.check_command import render, run
from autodiffc.cli import main
from autodiffc.compiler.comparison import Comparison, Report, Row, Worst, compare, merge, not_checked
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.ir import OPS, Node
from autodiffc.grammar.source import Source

MODEL = """model tiny
dim N, D
input x: real[N, D]
input y: int[N] in range(3)
param W: real[D, 3]
param scale: real > 0 = 1.0
loss L = mean(cross_entropy(x @ W * scale, y)) + 0.1 * sum(abs(W))
"""
OK = Comparison("ok", 1.2e-16, Worst("W[0, 1]", 1.0, 1.0), methods=("chain of formulas",))
WRONG = Comparison("differs", 0.01, Worst("W[0, 1]", 1.01, 1.0))


def source(text: str = MODEL) -> Source:
    return Source("tiny.dsl", text)


def flowed(text: str) -> str:
    """Wrapped lines as one."""
    return " ".join(text.split())


@contextmanager
def wrong_rule(name: str) -> Iterator[None]:
    op = OPS[name]
    rule: Any = op.vjp

    def wrong(g: Node, out: Node, *args: Node) -> tuple[Node | None, ...]:
        return tuple(None if part is None else 1.01 * part for part in rule(g, out, *args))

    object.__setattr__(op, "vjp", wrong)
    try:
        yield
    finally:
        object.__setattr__(op, "vjp", rule)


def report(symbolic: Comparison, differences: Comparison, value: Comparison = OK) -> Report:
    row = Row("W", (2, 3), 6, symbolic, differences)
    return Report("tiny", "L", (("N", 2), ("D", 3)), 0, 3, (row,), (("L", value),))


# --- the command ---------------------------------------------------------------------------------


def test_a_right_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source()) == 0
    out = capsys.readouterr().out
    assert out.startswith("tiny: L with respect to W, scale\nN = 2, D = 3; 3 random points, seed 0\n")
    assert re.search(r"^W +\(3, 3\) +9 +\S+ ok +\S+ ok +ok$", out, re.MULTILINE)
    assert re.search(r"^scale +scalar +1 +\S+ ok +\S+ ok +ok$", out, re.MULTILINE)
    assert re.search(r"^hvp +H v = differences of the gradient +\S+ ok$", out, re.MULTILINE)
    assert "left out: gauss_newton: L is not a sum of squares, see line 7" in out
    assert out.rstrip().endswith("all derivatives and values agree")
    assert max(map(len, out.splitlines())) <= 80


def test_conditions_are_counted_and_averaged(capsys: pytest.CaptureFixture[str]) -> None:
    text = "dim N\ninput b: bool[N]\nparam w: real[N]\nm = b and w > 0\nloss L = sum(m * w**2) + mean(m) + sum(b) * w[0]\n"
    assert run(source(text)) == 0
    assert "all derivatives and values agree" in capsys.readouterr().out


def test_a_formula_that_is_a_constant_keeps_its_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(
            source(
                "dim N\nparam w: real[N, N]\nh = 0 * w\nloss L = sum(h @ w + h[0] + w ** 0, axis=(0, 1))\n"
            )
        )
        == 0
    )
    assert "all derivatives and values agree" in capsys.readouterr().out


def test_a_wrong_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    with wrong_rule("cross_entropy"):
        assert run(source()) == 1
    out = capsys.readouterr().out
    assert out.rstrip().endswith("DIFFERS: d_W, d_scale, jacobian")
    assert re.search(r"d_W by SymPy: worst at W\[\d, \d\]: compiled \S+, SymPy's derivative \S+", flowed(out))
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_levels_and_types(level: int, dtype: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source(), level=level, dtype=dtype) == 0
    assert "not checked" not in capsys.readouterr().out
    with wrong_rule("cross_entropy"):
        assert run(source(), level=level, dtype=dtype) == 1


def test_sizes_and_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source(), sizes={"N": 4, "D": 1}, seed=7) == 0
    assert "N = 4, D = 1; 3 random points, seed 7" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_table(capsys: pytest.CaptureFixture[str]) -> None:
    run(source(), seed=3)
    first = capsys.readouterr().out
    run(source(), seed=3)
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"Q": 3}, "the model has no dim Q that is bound at run time; it has: N, D"),
        ({"N": 0}, "N=0: a size is at least 1"),
    ],
)
def test_sizes_that_do_not_fit(sizes: dict[str, int], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source(), sizes=sizes) == 2
    assert words in capsys.readouterr().err


def test_a_constant_is_no_size(capsys: pytest.CaptureFixture[str]) -> None:
    text = "dim K = 4\nparam w: real[K]\nloss L = sum(w**2)\n"
    assert run(source(text), sizes={"K": 3}) == 2
    assert "-D K=3 sets it" in capsys.readouterr().err
    assert run(source(text), dims={"K": 2}) == 0
    assert re.search(r"^w +\(2,\)", capsys.readouterr().out, re.MULTILINE)


def test_no_progress_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    run(source())
    assert capsys.readouterr().err == ""


# --- functions on request ----------------------------------------------------------------------------


def functions_of(out: str) -> list[str]:
    """The names in the table of laws."""
    table = out.partition("\nfunction ")[2].partition("\n\n")[0]
    return re.findall(r"^(?!left)([a-z]\w+) ", table.partition("\n")[2], re.MULTILINE)


def test_chosen_functions_are_checked_with_what_their_laws_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source(), emit=("hvp",)) == 0
    assert functions_of(capsys.readouterr().out) == ["hvp"]
    assert run(source(), emit=("hessian",)) == 0
    assert functions_of(capsys.readouterr().out)[:2] == ["hvp", "hessian"]


def test_a_function_that_makes_no_sense(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "tiny.dsl"
    path.write_text(MODEL)
    assert main(["check", str(path), "--emit", "gauss_newton"]) == 2
    assert "--emit gauss_newton: L is not a sum of squares" in capsys.readouterr().err
    assert main(["check", str(path), "--emit", "vjp"]) == 0


def test_what_a_target_that_is_an_array_has_no_use_for(capsys: pytest.CaptureFixture[str]) -> None:
    text = "dim N\nparam w: real[N]\noutput r = w[1:] * w[:-1]\ngrad r wrt w\n"
    assert run(source(text)) == 0
    out = capsys.readouterr().out
    assert functions_of(out) == ["jvp", "vjp", "jacobian", "sparse_jacobian", "gauss_newton"]
    assert "left out: hvp, hessian: r is not a scalar" in out


def test_matrices_that_are_too_large_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    text = "param W: real[60, 50]\nloss L = sum(tanh(sum(W, axis=0)))\n"
    assert run(source(text)) == 0
    out = capsys.readouterr().out
    assert "left out: hessian: 9000000 elements are too many" in out
    assert "hessian" not in functions_of(out)


def test_a_model_that_differentiates_nothing_has_no_laws(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source("input x: real\noutput f = exp(x)\n")) == 0
    out = capsys.readouterr().out
    assert functions_of(out) == []
    assert out.rstrip().endswith("all values agree")


def test_derivatives_in_the_model_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = "param w: real[3]\ny = sum(tanh(w))\nloss L = sum(grad(y, w)**2)\n"
    assert run(source(text)) == 0
    assert re.search(
        r"in the model +grad, jvp: values made of them = SymPy's +\S+ ok", capsys.readouterr().out
    )


def test_a_law_that_is_broken_is_shown_with_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    with wrong_rule("sigmoid"):  # of which the second derivatives of softplus are made
        assert run(source("param w: real[3]\nloss L = sum(softplus(w) * w)\n"), emit=("hvp",)) == 1
    out = flowed(capsys.readouterr().out)
    assert re.search(
        r"hvp \(H v = differences of the gradient\): worst at w\[\d\]: \S+ on the left, \S+ on", out
    )
    assert out.endswith("DIFFERS: hvp")


# --- models that are harder to draw for ------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "input x: real[5]\nparam a: real\nloss L = sum(log(x) * a)\n",
        "param a, b: real\nloss L = arccosh(a) + arcsin(b)\n",
        "dim N\ninput w: int[4]\nparam E: real[N, 2]\nloss L = sum(E[w]**2)\n",
        "dim N\ninput x: real[N]\nparam a: real\nloss L = a * sum(x[3:])\n",
        "dim N\ninput x: real[2*N+1]\nparam a: real\nloss L = a * sum(x)**2\n",
        "input c: bool[4]\nparam a: real[4]\nloss L = sum(where(c, exp(a), a**2))\n",
        "param a: real[3] >= -1 <= 1\nloss L = sum(arccos(a))\n",
        "param a: real[2, 2]\noutput f = a @ a\ngrad f wrt a\n",
        "param a: real\nloss L = relu(a) + abs(a) + maximum(a, 0.5)\n",
        "param a: real[3]\nloss L = sum(softmax(a))\n",
        "input x: real\noutput f = exp(x)\n",
    ],
)
def test_other_models(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source(text)) == 0
    assert "not checked" not in capsys.readouterr().out


def test_a_large_model_is_checked_along_directions(capsys: pytest.CaptureFixture[str]) -> None:
    text = "param W: real[30, 10]\nparam b: real[10]\nloss L = sum(tanh(sum(W, axis=0) + b))\n"
    assert run(source(text)) == 0
    assert "ok" in capsys.readouterr().out
    with wrong_rule("tanh"):
        assert run(source(text)) == 1
    assert "worst at W, direction" in capsys.readouterr().out


def test_time_that_runs_out_is_not_a_pass() -> None:
    program = program_of(source())
    found = check(program, _module(program), seconds=0.0)
    assert found.ok
    assert {row.verdict for row in found.rows} == {"not checked"}
    assert all(row.symbolic.reason and row.differences.reason for row in found.rows)


def _module(program: Any) -> Any:
    from autodiffc.api import Options, module_of, module_text

    return module_of(module_text(program, Options()), program.name)


def test_a_model_without_finite_values_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source("param a: real[2]\nloss L = sum(log(-exp(a)))\n")) == 0
    out = capsys.readouterr().out
    assert re.search(r"^a +\(2,\) +2 +not checked +not checked +not checked$", out, re.MULTILINE)
    assert "all values are finite (line 2: `log(-exp(a))` is NaN)" in flowed(out)


def test_an_adjoint_that_is_no_derivative(capsys: pytest.CaptureFixture[str]) -> None:
    own = "def f(v):\n    return v**2\nadjoint f(v, d_out):\n    return 3 * d_out * v\n"
    model = source(f"{own}input x: real\nparam w: real\nloss L = f(w * x)\n")
    assert run(model) == 1
    out = flowed(capsys.readouterr().out)
    assert "adjoint f: is not the derivative of f; it gives" in out
    assert "--surrogate f" in out
    assert out.endswith("DIFFERS: adjoint f")
    assert run(model, surrogates=["f"]) == 0
    assert "adjoint f: is not the derivative of f, and is taken as it is" in flowed(capsys.readouterr().out)
    assert run(model, surrogates=["g"]) == 2
    assert "--surrogate: the model calls no g with an adjoint of its own" in capsys.readouterr().err


def test_sizes_at_which_the_shapes_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    text = "dim N\ninput x: real[N]\nparam a: real\nloss L = a * sum(x[3:])\n"
    assert run(source(text), sizes={"N": 2}) == 2
    assert (
        "at N = 2 the shapes make no sense: the slice 3: of an axis of N in line 4" in capsys.readouterr().err
    )
    assert run(source(text), sizes={"N": 10**12}) == 2
    assert "`x` in line 2 would have 1,000,000,000,000 elements" in capsys.readouterr().err
    assert run(source(text), sizes={"N": 5}) == 0


def test_a_model_that_is_too_large_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(source("param a: real[10000, 10000]\nloss L = sum(a)\n")) == 0
    assert "no sizes were found that fit all shapes and are small enough" in flowed(capsys.readouterr().out)


def test_any_whole_number_is_a_seed() -> None:
    assert run(source(), seed=-1) == 0
    assert run(source(), seed=2**70) == 0


def test_a_kink_that_cannot_be_avoided(capsys: pytest.CaptureFixture[str]) -> None:
    """SymPy's derivative follows the convention; a difference would not."""
    text = "input x: real[2]\nparam a: real\nloss L = a * a + abs(0.0 * a) + relu(a - a)\n"
    assert run(source(text)) == 0
    out = capsys.readouterr().out
    assert "DIFFERS" not in out


# --- a module that is wrong in other ways than its numbers ------------------------------------------


class Spoilt:
    """A module with some of its functions replaced."""

    def __init__(self, module: Any, **functions: Any):
        self.__dict__.update(vars(module), **functions)


def test_other_faults_of_a_module_are_differences() -> None:
    program = program_of(source())
    module = _module(program)

    def raises(*_: Any) -> Any:
        raise ZeroDivisionError("nothing left")

    def wrong_shape(*arguments: Any) -> Any:
        value, grads = module.value_and_grad(*arguments)
        return value, grads._replace(W=grads.W.T[:2])

    def other_value(*arguments: Any) -> Any:
        value, grads = module.value_and_grad(*arguments)
        return value + 1e-9, grads

    for function, words in (
        (raises, "value_and_grad raised ZeroDivisionError: nothing left"),
        (wrong_shape, "d_W has shape"),
        (other_value, "the value of L: value_and_grad gives "),
    ):
        found = check(program, Spoilt(module, value_and_grad=function))
        assert not found.ok
        assert words in render(found)


def test_each_way_to_the_gradient_is_checked() -> None:
    program = program_of(source())
    module = _module(program)

    def backward(*arguments: Any) -> Any:
        grads = module.backward(*arguments)
        return grads._replace(scale=1.001 * grads.scale)

    found = check(program, Spoilt(module, backward=backward))
    assert [row.verdict for row in found.rows] == ["ok", "DIFFERS"]


def test_values_are_checked_too() -> None:
    program = program_of(source())
    module = _module(program)

    def forward(*arguments: Any) -> Any:
        outputs, cache = module.forward(*arguments)
        return outputs._replace(L=outputs.L * (1.0 + 1e-6)), cache

    found = check(program, Spoilt(module, forward=forward))
    assert not found.ok


# --- the table -----------------------------------------------------------------------------------


def test_what_was_not_checked_is_said_and_never_passed() -> None:
    text = render(report(not_checked("too large"), OK))
    assert "not checked  1.2e-16 ok   in part" in text
    assert "not checked: d_W by SymPy: too large" in text
    assert text.endswith("nothing differs, but not everything was checked: d_W")
    nothing = report(not_checked("too large"), not_checked("every point drawn is at a kink"))
    assert nothing.rows[0].verdict == "not checked"
    assert nothing.ok


def test_a_difference_outweighs_the_rest() -> None:
    for found in (report(WRONG, OK), report(OK, WRONG), report(OK, OK, WRONG)):
        assert not found.ok
        assert "DIFFERS" in render(found)
    assert merge(OK, WRONG).status == merge(WRONG, OK).status == "differs"
    assert merge(OK, not_checked("x")).status == "ok"


def test_the_error_measure() -> None:
    def status(a: float, b: float, floor: float = 0.0) -> str:
        return compare(["e", "big"], [a, 1.0], [b, 1.0], [floor, 0.0], 1e-9).status

    nan, inf = float("nan"), float("inf")
    assert status(1.0, 1.0 + 1e-10) == "ok"
    assert status(1.0, 1.0 + 1e-8) == "differs"
    assert status(1e-13, 0.0) == "ok"  # a thousandth of the largest is what counts
    assert status(1e-11, 0.0) == "differs"
    assert status(1e-11, 0.0, floor=2e-11) == "ok"
    assert status(nan, 1.0) == status(1.0, nan) == status(inf, 1.0) == status(1.0, -inf) == "differs"
    assert status(nan, nan) == status(inf, inf) == "ok"
