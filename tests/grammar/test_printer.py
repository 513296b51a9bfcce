"""What is printed parses to the same tree, with no bracket to spare."""

from __future__ import annotations

import pytest
from autodiffc.grammar import ast
from autodiffc.grammar.formatter import format_source
from autodiffc.grammar.parser import parse
from autodiffc.grammar.printer import dump, to_text
from autodiffc.grammar.source import Source
from hypothesis import given
from syntax_trees import PATIENT, SPAN, expressions, models


def model_of(text: str) -> ast.Model:
    model, findings = parse(Source("m", text))
    assert findings == ()
    return model


def value_of(text: str) -> ast.Expr:
    (statement,) = model_of(f"y = {text}\n").statements
    assert isinstance(statement, ast.Assign)
    return statement.value


@PATIENT
@given(models())
def test_a_printed_model_parses_to_itself(model: ast.Model) -> None:
    text = to_text(model)
    assert dump(model_of(text)) == dump(model)
    assert format_source(Source("m", text)) == text


@PATIENT
@given(expressions)
def test_no_pair_of_brackets_can_be_left_out(expression: ast.Expr) -> None:
    """Without any one pair of its grouping brackets the text means something else, or nothing."""
    text = to_text(expression)
    meant = dump(model_of(f"y = {text}\n"))
    for start, end in _grouping_brackets(text):
        without = text[:start] + text[start + 1 : end] + text[end + 1 :]
        model, findings = parse(Source("m", f"y = {without}\n"))
        assert findings or dump(model) != meant


def _grouping_brackets(text: str) -> list[tuple[int, int]]:
    """Round brackets that are neither a call's nor a tuple's, where no string confuses the count."""
    if '"' in text:
        return []
    pairs, open_ = [], []
    for offset, char in enumerate(text):
        if char in "([":
            open_.append((offset, char))
        elif char in ")]":
            start, opener = open_.pop()
            called = text[start - 1 : start].isidentifier() or text[start - 1 : start].isdigit()
            if opener == "(" and not called and not _holds_comma(text[start + 1 : offset]):
                pairs.append((start, offset))
    return pairs


def _holds_comma(text: str) -> bool:
    depth = 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            return True
    return text == ""


@pytest.mark.parametrize(
    "text",
    [
        "-x**2", "(-x)**2", "2**-x", "2**x**y", "(2**x)**y", "a - (b - c)", "a - b - c", "a / (b * c)", "a @ b @ c",
        "-(a + b)", "--a", "- -a".replace(" ", ""), "not a and b", "not (a and b)", "a and (b or c)", "(a < b) < c",
        "a < b < c", "-a < b", "not a < b", "(not a) < b", "a if b else c if d else e", "(a if b else c) if d else e",
        "(a if b else c) + d", "f(a if b else c)", "x[1:, ..., None, ::2, -1, :]", "x[t-1, 2*i + 1]".replace(" + ", "+"),
        "(a + b).T", "f(x).T[0]", "2 .T", "(-2)**2", "[a, [b, c], []]", "(a,)", "()", "((a, b), c)", '"a\\"b\\\\"',
        "sum(f(i) for i in range(0, N, 2))", "f(a, b=1, c=(2, 3))", "x[(1, 2)]", "x[f(a + b)]", "x[[0, 1]]", "a**b.T",
        "1e-05", "0.1", "10", "1e+30", "f()", "a // b % c", "x[a if b else c]", "x[a < b]",
    ],
)  # fmt: skip
def test_canonical_text_prints_as_itself(text: str) -> None:
    assert to_text(value_of(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-3, "(-3)**x"), (-0.5, "(-0.5)**x"), (float("inf"), "inf**x"), (2, "2**x")],
)
def test_numbers_that_no_literal_gives(value: float, text: str) -> None:
    """The compiler's own numbers may be negative; they are bracketed like a sign."""
    power = ast.Binary(SPAN, "**", ast.Number(SPAN, value), ast.Name(SPAN, "x"), SPAN)
    assert to_text(power) == text


def test_statements() -> None:
    text = """\
def f(a: real[N], b: real[N], slope=0.01):
    return a, b * slope
adjoint f(a, b, d_out):
    return d_out, d_out
for t in range(1, T) checkpoint:
    if a < b:
        hs[t, 0] = 1
    elif c:
        h += 2
    else:
        while h > 0 max 10:
            h -= 1
loss = sum(h)
"""
    assert to_text(model_of(text)) == text


def test_a_sum_as_deep_as_it_is_long() -> None:
    text = "x" + " + x" * 10_000
    assert to_text(value_of(text)) == text
    assert dump(model_of(f"y = {text}\n")).count("Binary +") == 10_000
    assert to_text(value_of("-" * 10_000 + "x")) == "-" * 10_000 + "x"


def test_the_tree() -> None:
    assert (
        dump(model_of("h = relu(x @ W, axis=-1)[0, :2]\nif a < b <= 1: y = 'c'\n"))
        == """\
Model m
  Assign
    targets: Name h
    value: Index
      value: Call
        func: Name relu
        args: Binary @
          left: Name x
          right: Name W
        keywords: Keyword
          name: Name axis
          value: Unary -
            operand: Number 1
      items: Number 0
      items: Slice
        stop: Number 2
  If
    branches:
      condition: Compare < <=
        operands: Name a
        operands: Name b
        operands: Number 1
      body: Assign
        targets: Name y
        value: String 'c'
"""
    )
