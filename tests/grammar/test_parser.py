"""The tree of a text: every construct of the language, the span of every node, and texts of a size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from autodiffc.grammar import ast
from autodiffc.grammar.parser import parse
from autodiffc.grammar.printer import dump, to_text
from autodiffc.grammar.reading import decode
from autodiffc.grammar.source import Source
from hypothesis import given
from syntax_trees import PATIENT, models
from work import calls_of


def statements(text: str) -> ast.Block:
    model, findings = parse(Source("m", text))
    assert findings == ()
    return model.statements


def statement(text: str) -> Any:
    (only,) = statements(text)
    return only


def value(text: str) -> Any:
    return statement(f"y = {text}\n").value


def nodes(tree: Any) -> Iterator[Any]:
    """Every node under a tree, the tree included."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            stack.extend(node)
        elif isinstance(node, ast.Syntax):
            yield node
            stack.extend(getattr(node, field.name) for field in fields(node))


# --- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "bracketed"),
    [
        ("-x**2", "-(x**2)"),
        ("2**-x**y", "2**(-(x**y))"),
        ("a**b**c", "a**(b**c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c @ d // e % f", "((((a / b) * c) @ d) // e) % f"),
        ("a + b * c", "a + (b * c)"),
        ("-a * b", "(-a) * b"),
        ("-a.T[0]", "-((a.T)[0])"),
        ("not a == b", "not (a == b)"),
        ("a or b and not c", "a or (b and (not c))"),
        ("a if b or c else d if e else f", "a if (b or c) else (d if e else f)"),
        ("a + b < c * d", "(a + b) < (c * d)"),
        ("a < b and c < d", "(a < b) and (c < d)"),
        ("x[a + 1:b, c if d else e]", "x[(a + 1):(b), (c if d else e)]"),
        ("+-+x", "+(-(+x))"),
    ],
)
def test_precedence_is_pythons(text: str, bracketed: str) -> None:
    assert dump(ast.Model(Source("m", ""), statements(f"y = {text}"))) == dump(
        ast.Model(Source("m", ""), statements(f"y = {bracketed}"))
    )


def test_a_chain_of_comparisons_is_one_node() -> None:
    chain = value("a < b <= c != d")
    assert [operand.id for operand in chain.operands] == ["a", "b", "c", "d"]
    assert chain.ops == ("<", "<=", "!=")


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1_000",
        "12",
        "1.5",
        ".5",
        "5.",
        "1e-3",
        "1E5",
        "1_0.2_5e+1_0",
        "0x1F",
        "0b101",
        "0o17",
        "00",
        "1" * 308,
    ],
)
def test_numbers_are_pythons(text: str) -> None:
    number = value(text)
    assert number.value == eval(text)
    assert type(number.value) is type(eval(text))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("'ij,jk->ik'", "ij,jk->ik"),
        ('"a#b"', "a#b"),
        (r'"a\"b\\n\n\t\q"', 'a"b\\n\n\t\\q'),
        ("'é \"'", 'é "'),
        ("''", ""),
    ],
)
def test_strings(text: str, meant: str) -> None:
    assert value(f"f({text})").args[0].value == meant


def test_calls() -> None:
    call = value("f(a, b + 1, axis=0, keepdims=true,)")
    assert (call.func.id, len(call.args)) == ("f", 2)
    assert [(keyword.name.id, to_text(keyword.value)) for keyword in call.keywords] == [
        ("axis", "0"),
        ("keepdims", "true"),
    ]
    assert value("f()").args == value("f()").keywords == ()
    (generator,) = value("sum(x[i]**2 for i in range(0, N, 2))").args
    assert (to_text(generator.element), generator.variable.id, len(generator.bounds)) == ("x[i]**2", "i", 3)


def test_indices() -> None:
    items = value("x[i, ..., None, 1::2, :, -1, 2:, :3, ::4,]").items
    kinds = [type(item).__name__ for item in items]
    assert kinds == ["Name", "Ellipsis_", "Name", "Slice", "Slice", "Unary", "Slice", "Slice", "Slice"]
    slices = [item for item in items if isinstance(item, ast.Slice)]
    parts = [[part and to_text(part) for part in (item.start, item.stop, item.step)] for item in slices]
    assert parts == [["1", None, "2"], [None] * 3, ["2", None, None], [None, "3", None], [None, None, "4"]]


def test_tuples_and_lists() -> None:
    assert [len(value(text).items) for text in ("()", "(a,)", "(a, b)", "(a, b,)", "[]", "[a]", "[a, [b, c],]")] == [
        0, 1, 2, 2, 0, 1, 2
    ]  # fmt: skip
    assert isinstance(value("(a)"), ast.Name)
    assert isinstance(value("a, b"), ast.TupleLiteral)


# --- statements ----------------------------------------------------------------------------------


def test_declarations() -> None:
    text = """\
model classifier
dim N, K = 10
input x, y: real[N, 4*K] in range(1, K)
param w: real[6] >= 0 <= 1 = full(0.2)
const c: real[2] = [1, 2]
var a, b: real[N]
output p, q
output r: real
output s: real[N] = w
loss L = w
loss L
loss = w
grad f wrt x, y
from nn import linear, relu
from "file.dsl" import (f, g,)
assert N > 2, "too few"
"""
    found = statements(text)
    names = [type(node).__name__.removesuffix("Decl") for node in found]
    assert names == [
        "Model", "Dim", "Input", "Param", "Const", "Var", "Var", "Output", "Output", "Output", "Output",
        "Loss", "Loss", "Loss", "Grad", "LibraryImport", "FileImport", "Assert",
    ]  # fmt: skip
    canonical = text.replace("var a, b: real[N]", "var a: real[N]\nvar b: real[N]")
    canonical = canonical.replace("output p, q", "output p\noutput q").replace("(f, g,)", "f, g")
    assert to_text(ast.Model(Source("m", ""), found)) == canonical
    param: Any = found[3]
    assert [(c.op, to_text(c.bounds[0])) for c in param.constraints] == [(">=", "0"), ("<=", "1")]


def test_parameters_before_an_annotation_share_it() -> None:
    def types(text: str) -> list[str | None]:
        return [param.type and to_text(param.type) for param in statement(text).params]

    assert types("def f(a, b: real[N], c=1): return a") == ["real[N]", "real[N]", None]
    assert types("def f(a: int, b, c: real): return a") == ["int", "real", "real"]
    assert types("def f(a, b): return a") == [None, None]
    assert types("def f(a, b: int = 1): return a") == [None, "int"]
    assert types("def f(): return 1") == []


def test_assignments() -> None:
    assert [to_text(target) for target in statement("a, b[i, 0], c = f(x)").targets] == ["a", "b[i, 0]", "c"]
    assert len(statement("(a, b) = f(x)").targets) == 2
    assert to_text(statement("x: real[N] = y").annotation) == "real[N]"
    assert [statement(f"x {op}= y").op for op in ("+", "-", "*", "/", "//", "%", "**", "@")] == [
        "+", "-", "*", "/", "//", "%", "**", "@"
    ]  # fmt: skip
    assert len(statement("def f(): return a, b").body[0].values) == 2
    assert len(statement("def f(): return (a, b)").body[0].values) == 2


def test_blocks() -> None:
    loop = statement(
        "for t in range(1, T) checkpoint:\n    if a: x = 1\n    elif b:\n\n        x = 2\n    else: x = 3\n"
    )
    assert (loop.variable.id, len(loop.bounds), loop.checkpoint) == ("t", 2, True)
    (branch,) = loop.body
    assert [to_text(condition) for condition, _ in branch.branches] == ["a", "b"]
    assert (len(branch.branches[1][1]), len(branch.orelse)) == (1, 1)
    assert to_text(statement("while c max 10: x += 1").limit) == "10"
    assert statement("while c: x += 1").limit is None
    assert isinstance(statement("adjoint f(x, d_out):\n\treturn d_out"), ast.AdjointDef)


@pytest.mark.parametrize(
    "word", ["model", "input", "loss", "grad", "def", "from", "while", "assert", "elif", "lambda", "class"]
)
def test_a_declaration_word_is_a_name_elsewhere(word: str) -> None:
    assert value(f"{word} + f({word}={word}, a={word}[{word}])").left.id == word
    assert statement(f"input {word}: real").names[0].id == word
    assert statement(f"{word}s = 1").targets[0].id == word + "s"
    assert statement(f"def {word}({word}, b={word}): return {word}").name.id == word
    assert statement(f"for {word} in range({word}): x = {word}").variable.id == word


def test_contextual_words_are_names() -> None:
    text = "max = min(max, range)\nrange = wrt\nwhile max(a, b) > max max max: checkpoint = import\ngrad wrt wrt wrt\n"
    assert to_text(ast.Model(Source("m", ""), statements(text))) == text.replace(": ch", ":\n    ch")


# --- layout ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "if a:\n    x = 1\ny = 2\n",
        "if a:\n    x = 1\ny = 2",
        "if a:\r\n    x = 1\r\ny = 2\r\n",
        "\ufeffif a:\n    x = 1\ny = 2\n",
        "if a:\n\tx = 1\ny = 2\n",
        "\n \n# note\n\nif a:  # note\n\n# note\n    # note\n  x = 1\n      # note\n# note\ny = 2  # note\n   \n  # note",
        "if (a\n):\n    x = (\n1\n)\ny = 2\n",
        "if a: x = 1\ny = 2\n",
    ],
)
def test_layout(text: str) -> None:
    canonical = "if a:\n    x = 1\ny = 2\n"
    assert to_text(ast.Model(Source("m", ""), statements(text))) == canonical


def test_names_are_compared_as_python_compares_them() -> None:
    assert value("ﬁ + x\u0302 + Å").left.left.id == "fi"
    assert value("\u212b").id == value("Å").id == value("A\u030a").id == "\u00c5"
    assert value("\u03b1_1 + ß").left.id == "α_1"


def test_a_file_without_its_byte_order_mark() -> None:
    assert decode("m", b"\xef\xbb\xbfx = 1\n").text == "x = 1\n"


# --- spans -----------------------------------------------------------------------------------------


@PATIENT
@given(models())
def test_a_span_covers_its_construct(model: ast.Model) -> None:
    """The text under an expression's span parses to that expression again."""
    for node in nodes(statements(to_text(model))):
        if isinstance(
            node, ast.Name | ast.Number | ast.Unary | ast.Binary | ast.Compare | ast.Call | ast.Index
        ):
            assert to_text(value(f"({node.span.text})")) == to_text(node)
        if isinstance(node, ast.Binary):
            assert node.op_span.text == node.op


@pytest.mark.parametrize(
    ("text", "kind", "spans"),
    [
        ("y = (a + b) * c  # note", ast.Binary, ["(a + b) * c", "(a + b)"]),
        ("y = f( a , b=1 )", ast.Call, ["f( a , b=1 )"]),
        ("y = f( a , b=1 )", ast.Keyword, ["b=1"]),
        ("y = x[1 : , 2]", ast.Slice, ["1 :"]),
        ("input x: real[N] > 0 < 1", ast.Constraint, ["> 0", "< 1"]),
        ("input x: real[N]", ast.TypeExpr, ["real[N]"]),
        ("def f(a, b=2):\n    return a\n", ast.FuncDef, ["def f(a, b=2):"]),
        ("for t in range(3):\n    x = t\n", ast.For, ["for t in range(3):"]),
        ("if a:\n    x = 1\nelse:\n    x = 2\n", ast.If, ["if a:"]),
        ("while a max 3: x = 1", ast.While, ["while a max 3:"]),
        ("output p, q", ast.OutputDecl, ["output p, q", "q"]),
        ("a, b = 1, 2", ast.Assign, ["a, b = 1, 2"]),
        ("a, b = 1, 2", ast.TupleLiteral, ["1, 2"]),
        ("loss L", ast.LossDecl, ["loss L"]),
        ("return_ = 1\n  \n# note\n", ast.Assign, ["return_ = 1"]),
    ],
)
def test_spans(text: str, kind: type, spans: list[str]) -> None:
    found = [node.span for node in nodes(statements(text)) if isinstance(node, kind)]
    assert sorted(span.text for span in found) == sorted(spans)


# --- size ------------------------------------------------------------------------------------------


def work(text: str) -> int:
    return calls_of(lambda: statements(text))


@pytest.mark.parametrize(
    "build",
    [
        lambda n: "y = " + "x + " * n + "x",
        lambda n: "y = " + "-" * n + "x",
        lambda n: "y = " + "a if b else " * n + "c",
        lambda n: "y = f(" + "x, " * n + "x)",
        lambda n: "".join(f"a{i} = b * {i}\n" for i in range(n)),
    ],
    ids=["sum", "signs", "choices", "arguments", "statements"],
)
def test_work_is_linear(build: Any) -> None:
    work(build(10))  # the parser is made once
    assert work(build(5_000)) < 10 * 1.3 * work(build(500))


def test_brackets_may_nest_a_hundred_deep() -> None:
    assert to_text(value("(" * 100 + "x" + ")" * 100)) == "x"
