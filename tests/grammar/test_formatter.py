"""The canonical form: what it looks like, that it changes no tree, and that it is its own canonical form."""

from __future__ import annotations

from pathlib import Path

import pytest
from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.formatter import format_source
from autodiffc.grammar.parser import parse
from autodiffc.grammar.printer import dump, to_text
from autodiffc.grammar.scanner import Lexeme, scan
from autodiffc.grammar.source import Source
from hypothesis import given
from hypothesis import strategies as st
from syntax_trees import PATIENT, models

ROOT = Path(__file__).parents[2]
MODELS = [path for folder in ("examples", "compiler/lib") for path in sorted((ROOT / folder).rglob("*.dsl"))]


def formatted(text: str) -> str:
    return format_source(Source("m.dsl", text))


def tree(text: str) -> str:
    model, findings = parse(Source("m.dsl", text))
    assert findings == ()
    return dump(model)


def is_kept(text: str) -> None:
    """Same tree, same comments, and nothing left to format."""
    result = formatted(text)
    assert tree(result) == tree(text)
    assert comments(result) == comments(text)
    assert formatted(result) == result


def comments(text: str) -> list[str]:
    return [lexeme.text.rstrip() for lexeme in scan(text) if lexeme.kind == "comment"]


def roughened(text: str, draw: st.DrawFn) -> str:
    """The same model in an untidy hand: other spaces, line breaks in brackets, comments, blank lines, indents."""
    width = draw(st.integers(1, 9))
    lines: list[str] = []
    for line in text.splitlines():
        lines += draw(st.sampled_from([[], [], [], [""], ["", "", "", ""], ["# note"], ["   #note "]]))
        level = (len(line) - len(line.lstrip(" "))) // 4
        lines.append(" " * width * level + _rough_line(list(scan(line)), draw))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))


def _rough_line(lexemes: list[Lexeme], draw: st.DrawFn) -> str:
    text, depth = "", 0
    for previous, lexeme in zip([None, *lexemes], lexemes):
        gaps = [" ", " ", "   "] + (["\n", "  # why\n    "] if depth else [])
        if previous and (previous.kind == lexeme.kind == "symbol" or previous.text in ("(", "[")):
            gaps.append("")
        text += draw(st.sampled_from(gaps)) * bool(previous) + lexeme.text
        depth += (lexeme.text in ("(", "[")) - (lexeme.text in (")", "]"))
    return text + draw(st.sampled_from(["", "", "  ", "#x", "    # trailing"]))


@PATIENT
@given(models(), st.data())
def test_formatting_changes_no_tree(model: ast.Model, data: st.DataObject) -> None:
    text = roughened(to_text(model), data.draw)
    assert tree(text) == dump(model).replace("Model m\n", "Model m.dsl\n", 1)
    is_kept(text)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: str(path.relative_to(ROOT)))
def test_models_of_the_project(path: Path) -> None:
    is_kept(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("x=1", "x = 1\n"),
        ("y  =  -x **2+ + 3", "y = -x**2 + +3\n"),
        ("y = 2 ** - x", "y = 2**-x\n"),
        ("y=a@b//c%d", "y = a @ b // c % d\n"),
        ("y=x [ i + 1 ,: , None , 1 : : 2 ,... ]", "y = x[i+1, :, None, 1::2, ...]\n"),
        ("y=x[f(a+b), (i+1)*2, a<b]", "y = x[f(a + b), (i+1)*2, a < b]\n"),
        ("y = [ a+b,[ c ] ]", "y = [a + b, [c]]\n"),
        ("y = (a,)", "y = (a,)\n"),
        ("y = f ( a , axis = 0 , )", "y = f(a, axis=0,)\n"),
        ("y = not(a)and -b or(c)", "y = not (a) and -b or (c)\n"),
        ("y = a if(b)else -c", "y = a if (b) else -c\n"),
        ("y = a<b<=c==d", "y = a < b <= c == d\n"),
        ("y = sum ( f(i)for i in range( 0,N ) )", "y = sum(f(i) for i in range(0, N))\n"),
        ("y = A . T[0]", "y = A.T[0]\n"),
        ("y = 1 .T + 0..T", "y = 1 .T + 0. .T\n"),
        ("a,b=f(x)", "a, b = f(x)\n"),
        ("hs[t,0]+=1", "hs[t, 0] += 1\n"),
        ("x:real[N,4*H]=y", "x: real[N, 4*H] = y\n"),
        ("input y:int[N]in range(K)", "input y: int[N] in range(K)\n"),
        ("param w:real[6]>=0<=-1=full(.2)", "param w: real[6] >= 0 <= -1 = full(.2)\n"),
        ("const c=-1", "const c = -1\n"),
        ("dim N,K=10", "dim N, K = 10\n"),
        ("loss=-x", "loss = -x\n"),
        ("grad f wrt x,y", "grad f wrt x, y\n"),
        ("from nn import(a,b)", "from nn import (a, b)\n"),
        ('from"a.dsl"import b', 'from "a.dsl" import b\n'),
        ("assert(a),'b'", "assert (a), 'b'\n"),
        (
            "def f(a,b:real[N-1],c:real=2,d=-1):return-a",
            "def f(a, b: real[N-1], c: real = 2, d=-1): return -a\n",
        ),
        ("for t in range(T)checkpoint:h=1", "for t in range(T) checkpoint: h = 1\n"),
        ("while max(a,b)>0 max(3):\n x=1", "while max(a, b) > 0 max (3):\n    x = 1\n"),
        ("if a:return-b\nelse :return(c)", "if a: return -b\nelse: return (c)\n"),
        ("\ufeffx = 1\r\ny = 2", "x = 1\ny = 2\n"),
        ("if a:\n\tx = 1\n\tif b:\n\t\ty = 2\n", "if a:\n    x = 1\n    if b:\n        y = 2\n"),
        ("\n\nx = 1   \n\n\n\n\ny = 2\n\n\n", "x = 1\n\n\ny = 2\n"),
        ("", ""),
        ("  # only a note", "# only a note\n"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert formatted(text) == canonical
    is_kept(text)


def test_comments_stay_with_their_block() -> None:
    text = """\
if a:
  # in the block
  x = 1
# after it
y = 2
for t in range(3):
# before the body
  z = t
  # at its end
"""
    assert (
        formatted(text)
        == """\
if a:
    # in the block
    x = 1
# after it
y = 2
for t in range(3):
    # before the body
    z = t
    # at its end
"""
    )


def test_trailing_comments_keep_their_column() -> None:
    text = """\
dim N,  D        # sizes
input x: real

param weight:real[N] = ones( )   # start
y=1    # alone
longer=2     # a
z=3          # b
"""
    assert (
        formatted(text)
        == """\
dim N, D  # sizes
input x: real

param weight: real[N] = ones()  # start
y = 1  # alone
longer = 2  # a
z = 3       # b
"""
    )


def test_line_breaks_in_brackets_stay() -> None:
    text = """\
y = f(a,
   b,  # why
        c[
 0,

 1],
 )
A = [
[1,2],
   [3,4]
        ]
"""
    assert (
        formatted(text)
        == """\
y = f(a,
      b,  # why
      c[
          0,

          1],
)
A = [
    [1, 2],
    [3, 4]
]
"""
    )


def test_a_broken_model_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        formatted("x = )\ny = (\n")
    assert len(caught.value.diagnostics) == 2
