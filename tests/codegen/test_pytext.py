"""Text with precedence: whatever is put together parses back to the same structure."""

from __future__ import annotations

import ast
import math

import pytest
from autodiffc.codegen.pytext import Expr, number, template, unparenthesised
from autodiffc.codegen.writer import Writer, wrap
from hypothesis import given, settings
from hypothesis import strategies as st

BINARY = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "//": ast.FloorDiv, "%": ast.Mod,
          "@": ast.MatMult, "**": ast.Pow, "&": ast.BitAnd, "|": ast.BitOr}  # fmt: skip
COMPARE = {"<": ast.Lt, "==": ast.Eq}
FORMS = {
    "neg": "-x", "not": "not x", "attribute": "x.T", "call": "f(x, axis=0)", "item": "x[y, 1:]", "tuple": "g((x, y))",
    "choice": "x if y else z", "both": "x and y", "either": "x or y", "invert": "~x",
}  # fmt: skip


def leaves() -> st.SearchStrategy[tuple[ast.expr, Expr]]:
    names = st.sampled_from("abc").map(lambda n: (ast.Name(n, ast.Load()), Expr(n)))
    numbers = st.one_of(st.integers(0, 99), st.floats(0, 1e300, allow_nan=False)).map(
        lambda v: (ast.Constant(v), number(v))
    )
    negative = st.floats(-1e300, -1e-300).map(
        lambda v: (ast.UnaryOp(ast.USub(), ast.Constant(-v)), number(v))
    )
    return st.one_of(names, numbers, negative)


def combined(children: st.SearchStrategy[tuple[ast.expr, Expr]]) -> st.SearchStrategy[tuple[ast.expr, Expr]]:
    def binary(op: str, left: tuple[ast.expr, Expr], right: tuple[ast.expr, Expr]) -> tuple[ast.expr, Expr]:
        text = template(f"x {op} y", ("x", "y")).expression({"x": left[1], "y": right[1]})
        if op in BINARY:
            return ast.BinOp(left[0], BINARY[op](), right[0]), text
        return ast.Compare(left[0], [COMPARE[op]()], [right[0]]), text

    def form(
        name: str, x: tuple[ast.expr, Expr], y: tuple[ast.expr, Expr], z: tuple[ast.expr, Expr]
    ) -> tuple[ast.expr, Expr]:
        parts = {"x": x, "y": y, "z": z}
        tree = ast.parse(FORMS[name], mode="eval").body

        class Fill(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.expr:
                return parts[node.id][0] if node.id in parts else node

        text = template(FORMS[name], ("x", "y", "z")).expression({k: v[1] for k, v in parts.items()})
        return Fill().visit(tree), text

    operators = st.sampled_from([*BINARY, *COMPARE])
    return st.one_of(
        st.builds(binary, operators, children, children),
        st.builds(form, st.sampled_from(sorted(FORMS)), children, children, children),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(leaves(), combined, max_leaves=14))
def test_text_parses_back_to_the_same_structure(pair: tuple[ast.expr, Expr]) -> None:
    tree, text = pair
    assert ast.dump(ast.parse(text.text, mode="eval").body) == ast.dump(tree)


@settings(max_examples=200, deadline=None)
@given(st.recursive(leaves(), combined, max_leaves=30), st.integers(30, 100))
def test_broken_lines_mean_the_same(pair: tuple[ast.expr, Expr], width: int) -> None:
    for statement in (
        f"value = {pair[1]}",
        f"return {pair[1]}, f({pair[1]})",
        f"value = f({pair[1]}, {pair[1]})",
    ):
        shown = "\n".join(wrap(statement, "", width))
        assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(statement))


@settings(max_examples=500, deadline=None)
@given(st.floats())
def test_numbers_read_back(value: float) -> None:
    again = eval(number(value).text, {"math": math})
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert math.copysign(1.0, again) == math.copysign(1.0, value) or math.isnan(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-4, "1e-4"), (2.5, "2.5"), (1000.0, "1000.0"), (1e22, "1e22"), (-0.0, "-0.0"), (1 / 3, "0.3333333333333333"),
     (123456.75, "123456.75"), (5e-324, "5e-324"), (True, "True"), (-3, "-3"), (float("-inf"), "-math.inf")],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value).text == text


@pytest.mark.parametrize(
    ("form", "arguments", "expected"),
    [
        ("x ** y", {"x": number(-2.5), "y": Expr("y")}, "(-2.5) ** y"),
        ("x.T", {"x": number(2)}, "(2).T"),
        ("(x) * (y)", {"x": Expr("a + b", 9), "y": Expr("c")}, "(a + b) * c"),
        ("f(x)", {"x": Expr("a if b else c", 0)}, "f(a if b else c)"),
        ("x", {"x": Expr("a + b", 9)}, "a + b"),
    ],
)
def test_templates(form: str, arguments: dict[str, Expr], expected: str) -> None:
    assert template(form, tuple(arguments)).expression(arguments).text == expected


def test_statements_assign_what_they_are_told() -> None:
    parsed = template("n = len(x)\nout = np.zeros(n)\nout[i] = x", ("x", "i"))
    assert not parsed.is_expression
    assert parsed.stored == ("n", "out")
    names = {"x": Expr("a + b", 9), "i": Expr("j"), "n": Expr("count"), "out": Expr("result")}
    assert parsed.text(names) == "count = len(a + b)\nresult = np.zeros(count)\nresult[j] = a + b"


def test_only_needless_parentheses_go() -> None:
    assert unparenthesised("(a + b)") == "a + b"
    assert unparenthesised("(a) + (b)") == "(a) + (b)"
    assert unparenthesised("f(a)") == "f(a)"


@pytest.mark.parametrize(
    "line",
    [
        "a_long_name, another_long_name, a_third_long_name, a_fourth_long_name = _checked(a_long_name)",
        "def f(alpha: ndarray, beta: ndarray, gamma: ndarray) -> tuple[float, Grads]:",
        "if alpha.shape != (N, D) or beta.shape != (N,) or gamma.shape != (D,) or delta.shape[0] != N:",
        "return Outputs(alpha, beta, gamma, delta), Cache(alpha, beta, gamma, delta, epsilon, zeta)",
        'raise ValueError(f"a message, with (brackets) and commas {alpha.shape}, that is a long one")',
        "table = {'x': (x, 1, 2), 'y': (y, 3, 4), 'z': (z, 5, 6), 'w': (w, 7, 8), 'v': (v, 9, 10)}",
        "value = alpha_alpha + beta_beta * gamma_gamma - delta_delta + epsilon_epsilon + zeta_zeta",
        "value = sum(on_tile(x[tile], alpha, beta, gamma) for tile in tiles(n, alpha + beta, gamma + delta))",
    ],
)
def test_long_lines_break(line: str) -> None:
    shown = wrap(line, "    ", 60)
    assert all(len(part) <= 60 or "message" in part for part in shown), shown
    body = " pass" if line.endswith(":") else ""
    text = "\n".join(part[4:] for part in shown)
    assert ast.dump(ast.parse(_in_function(text + body))) == ast.dump(ast.parse(_in_function(line + body)))


def _in_function(text: str) -> str:
    return "def outer():\n" + "\n".join(f"    {line}" for line in text.split("\n"))


def test_a_note_stands_beside_or_above() -> None:
    writer = Writer(width=60)
    writer.line("a = b", note="short")
    writer.line("a = b", note="a note that has no room beside the line")
    assert writer.lines == [f"{'a = b':<36}  # short", "# a note that has no room beside the line", "a = b"]
