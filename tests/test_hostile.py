"""Models that mean harm, or might as well: they run no code, read no file, and end soon."""

from __future__ import annotations

import ast
import builtins
import time
from pathlib import Path

import autodiffc
import pytest
from autodiffc.grammar.diagnostics import ModelError

# --- nothing of a model becomes code --------------------------------------------------------------

PAYLOADS = [
    '"""', "'''", '"""\nharm()\n"""', '"""+harm()+"""', '",harm(),"', "\\", '\\"""', "\\N{BULLET}", "\\x41",
    "{harm()}", "%(x)s", "\fharm()", "\x0bharm()", "\x85harm()", "\u2028harm()", "\x1charm()", "\rharm()",
    "\u202eharm", "\u2066harm", "\ufeff", "\0", "\ud800", "-*- coding: utf-7 -*-", "\x1b[31m", "a" * 500,
]  # fmt: skip
COMMENTED = [
    "# {}\ninput x: real\nparam w: real\nloss L = w * x\n",
    "model m # {}\ninput x: real\nparam w: real\n# {}\nloss L = w * x # {}\n",
    "dim N\ninput x: real[N]\nparam w: real[\n # {}\n N]\ny = sum(x[ # {}\n 1:])\nloss L = y + w[ # {}\n 2]\n",
    "dim N\ninput y: int[N] in range( # {}\n 3)\nparam w: real > ( # {}\n 0)\nloss L = w * sum(y)\n",
    "def f(a): # {}\n    return a * a # {}\ninput x: real\noutput y = f(x)\ngrad y wrt x\n",
]
QUOTED = [
    'dim N\ninput x: real[N]\noutput y = einsum("{}", x)\n',
    'dim N\ninput x: real[N]\noutput y = pad(x, 1, mode="{}")\n',
    'from "{}" import f\ninput x: real\noutput y = f(x)\n',
]


def shape_of(text: str) -> str:
    """The structure of a module, whatever its strings say."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("model", COMMENTED, ids=range(len(COMMENTED)))
def test_comments_stay_comments(model: str, level: int) -> None:
    expected = shape_of(autodiffc.compile(model.replace("{}", "harmless"), level=level))
    for payload in PAYLOADS:
        try:
            text = autodiffc.compile(model.replace("{}", payload), level=level)
        except ModelError:
            continue
        assert shape_of(text) == expected
        assert not set(text) & set("\0\x0b\f\r\x1b\x1c\x85\u2028\u202e\u2066\ufeff\ud800")


@pytest.mark.parametrize("model", QUOTED, ids=range(len(QUOTED)))
def test_no_string_of_a_model_is_taken_over(model: str) -> None:
    for payload in PAYLOADS:
        with pytest.raises(ModelError) as caught:
            autodiffc.compile(model.replace("{}", payload))
        assert all(char.isprintable() for char in str(caught.value).replace("\n", ""))


@pytest.mark.parametrize(
    "name",
    [
        'a"""b.dsl',
        "x\nharm().dsl",
        "a\\b.dsl",
        "{x}.dsl",
        "\u202e.dsl",
        "\ud800.dsl",
        "",
        "/",
        "x\0y",
        "class",
    ],
)
def test_the_name_of_a_file_stays_a_name(name: str) -> None:
    text = autodiffc.compile("input x: real\nloss y = x**2\ngrad y wrt x\n", name=name)
    assert "harm" not in {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert text.isascii() or "\u202e" not in text
    exec(compile(text, "module", "exec"), {"__name__": "module"})


def test_no_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret.dsl"
    secret.write_text("def f(a):\n    return a\n")
    autodiffc.compile("from nn import linear\ninput x: real\noutput y = x\n")  # loads what there is to load

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(builtins, "open", refuse)
    for path in (secret, "../../../../etc/passwd", "/dev/zero"):
        with pytest.raises(ModelError):
            autodiffc.compile(f'from "{path}" import f\ninput x: real\noutput y = f(x)\n')


# --- everything ends soon ---------------------------------------------------------------------------


def steps(first: str, step: str, count: int) -> str:
    """`v0` and its successors: {i} is the number of a line, {j} that of the line before."""
    return first + "".join(step.format(i=i, j=i - 1) for i in range(1, count))


TWICE = "def f{i}(a): return f{j}(f{j}(a))\n"
SOON = {
    "an array of 1e9 ones": "const c = ones(10**9)\noutput f = sum(c)\n",
    "an identity of 1e10": "const c = eye(10**5)\noutput f = sum(c)\n",
    "a table of 1e12": "const a = arange(10**6)\nconst c = sum(outer(a, a))\noutput f = c\n",
    "repeated": "const c = repeat(tile([1.0, 2.0], 10**9), 10**9)\noutput f = sum(c)\n",
    "an einsum of 1e12 steps": 'const a = ones(100, 100)\nconst c = einsum("ab,cd,ef->", a, a, a)\noutput f = c\n',
    "positions by the million": "input x: real[3]\nconst a = arange(10**6)\noutput f = sum(x[a % 3])\n",
    "powers": "input x: real\noutput f = x**(2**40) + x**(-(2**62))\n",
    "an array of 2**30": steps("v0 = [1.0]\n", "v{i} = concatenate((v{j}, v{j}))\n", 30) + "output f = sum(v29)\n",
    "a tuple of 2**60": steps("v0 = (1, 2)\n", "v{i} = (v{j}, v{j})\n", 60) + "output f = 1.0\n",
    "nested lists": steps("v0 = [1.0]\n", "v{i} = [v{j}, v{j}]\n", 60) + "output f = sum(v59)\n",
    "functions that call twice": steps("def f0(a): return a * a\n", TWICE, 40) + "input x: real\noutput y = f39(x)\n",
    "functions that do nothing": steps("def f0(a): return a\n", TWICE, 40) + "input x: real\noutput y = f39(x)\n",
    "dims of dims": steps("dim N\ninput x: real[N]\nv0 = N\n", "v{i} = max(v{j} + 1, v{j} * N)\n", 60) + "output f = v59\n",
    "dims divided": steps("dim N\ninput x: real[N]\nv0 = N\n", "v{i} = (v{j} + 1) // (v{j} % 7 + N)\n", 60) + "output f = v59\n",
    "dims squared": steps("dim N\ninput x: real[N]\nv0 = N\n", "v{i} = v{j} * v{j}\n", 60) + "output f = v59\n",
    "squared sums": "dim A, B, C, D\ninput x: real[A, B, C, D]\noutput f = sum(ones((A + B + C + D)**8, (A + 1)**8))\n",
    "a long name": f"input {'n' * 10**6}: real\noutput f = {'n' * 10**6}\n",
    "a long comment": f"# {'n' * 10**6}\ninput x: real\noutput f = x\n",
    "errors by the thousand": "input known: real\n" + steps("", "y{i} = known + knwon{i}\n", 2000),
    "a condition of thousands": f"input x: real\noutput f = 1 if {' and '.join(['x > 0'] * 5000)} else 2.0\n",
    "a sum of thousands": f"input x: real\noutput f = {' + '.join(f'x * {i}' for i in range(5000))}\n",
    "brackets by the thousand": f"input x: real\noutput f = {'(' * 10**4}x{')' * 10**4}\n",
    "outputs by the thousand": steps("input x: real\n", "output y{i} = x + {i}\n", 1000),
}  # fmt: skip


@pytest.mark.parametrize("model", SOON.values(), ids=SOON.keys())
def test_ends_soon(model: str) -> None:
    start = time.process_time()
    try:
        text = autodiffc.compile(model)
    except ModelError as error:
        text = str(error)
    assert time.process_time() - start < 10
    assert len(text) < 2_000_000


@pytest.mark.parametrize("count", [1_000, 4_000])
def test_a_long_model_takes_time_in_proportion(count: int) -> None:
    start = time.process_time()
    autodiffc.compile(
        steps("param w: real\nv0 = w\n", "v{i} = sin(v{j}) * 1.01\n", count) + f"loss L = v{count - 1}\n"
    )
    assert time.process_time() - start < 3 + count / 250
