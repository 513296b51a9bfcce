"""Every lint with models that it finds something in, and with models like them that it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from autodiffc.api import program_of
from autodiffc.compiler.ir import OPS
from autodiffc.compiler.lint import LINTS, UnknownLint, chosen, findings
from autodiffc.compiler.lint.rewritten import WHY
from autodiffc.compiler.lint.singular import DANGERS
from autodiffc.compiler.passes.rules.stability import STABILITY_RULES
from autodiffc.grammar.diagnostics import Diagnostic
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

ROOT = Path(__file__).parents[3]
BY_NAME = {lint.name: lint for lint in LINTS}


def linted(text: str, *words: str) -> list[Diagnostic]:
    return list(findings(program_of(Source("model.dsl", text)), chosen(words).lints))


@dataclass(frozen=True)
class Bad:
    """A model, where the lint finds something in it, and words of the message, the label and the help."""

    lint: str
    model: str
    place: tuple[int, int]
    words: str


XW = "input x: real\nparam w: real\n"
VECTORS = "dim N\ninput x: real[N]\nparam w: real[N]\n"
BAD = [
    # unused
    Bad("unused-input", XW + "input z: real\nloss L = w * x\n", (3, 7), "the input `z` is not used"),
    Bad("unused-input", "dim N\ninput x: real[N]\ninput z: real[N]\noutput f = sum(x)\n", (3, 7), "`z`"),
    Bad("unused-input", XW + "param s: real\noutput f = w * x\ngrad f wrt w\n", (3, 7), "the param `s`"),
    Bad("unused-input", XW + "h = x\nloss L = w**2\n", (1, 7), "only `h` reads it, which nothing needs"),
    Bad("unused-value", XW + "h = w + x\nloss L = w * x\n", (3, 1), "`output h`"),
    Bad("unused-value", XW + "a = w\nb = a\nloss L = w * x\n", (3, 1), "only `b` reads it"),
    Bad("unused-value", XW + "a, b = w, x\nloss L = w * x\n", (3, 1), "`a` is not used"),
    Bad("unused-value", XW + "c = 0.0\nfor t in range(3):\n    c = c + x\nloss L = w * x\n", (3, 1), "`c`"),
    Bad("unused-value", XW + "c = 0.0\nfor t in range(3):\n    c += x\nloss L = w * x\n", (3, 1), "`c`"),
    Bad("unused-value", XW + "var v: real[3]\nv[0] = x\nloss L = w * x\n", (3, 5), "the var `v`"),
    Bad("unused-value", XW + "def f(a):\n    b = a\n    return 2 * a\nloss L = f(w * x)\n", (4, 5), "drop it"),
    Bad("unused-value", XW + "def f(a, b):\n    return 2 * a\nloss L = f(w, x)\n", (3, 10), "parameter `b` of `f`"),
    Bad("unused-function", XW + "def f(a):\n    return a\nloss L = w * x\n", (3, 5), "the function `f`"),
    Bad("unused-function", XW + "def f(a):\n    return a\ndef g(a):\n    return f(a)\nloss L = w * x\n", (3, 5), "only `g`"),
    Bad("unused-function", "from nn import linear\n" + XW + "loss L = w * x\n", (1, 16), "the import `linear`"),
    Bad("unused-const", XW + "const c = 0.1\nloss L = w * x\n", (3, 7), "the const `c`"),
    Bad("unused-const", XW + "dim K = 3\nloss L = w * x\n", (3, 5), "the dim `K`"),
    # shadowed
    Bad("shadowed", XW + "def tanh(a):\n    return a\nloss L = tanh(w * x)\n", (3, 5), "hides the built-in"),
    Bad("shadowed", XW + "pi = w + x\nloss L = pi\n", (3, 1), "hides the constant 3.14159"),
    Bad("shadowed", XW + "e = w - x\nloss L = e**x\n", (3, 1), "hides the constant 2.71828"),
    Bad("shadowed", XW + "def f(a):\n    pi = a\n    return pi\nloss L = f(w * x)\n", (4, 5), "hides the constant"),
    Bad("shadowed", XW + "const c = 2\ndef f(c):\n    return c\nloss L = f(w * x) + c\n", (4, 7), "hides a const of the file"),
    Bad("shadowed", XW + "def f(a):\n    x = 2 * a\n    return x\nloss L = f(w * x)\n", (4, 5), "hides an input of the file"),
    Bad("shadowed", VECTORS + "k = 2.0\nloss L = k * sum(w[k] * x[k] for k in range(N))\n", (5, 34), "in this sum"),
    # gradients
    Bad("no-gradient", XW + "param s: real\nloss L = w * x\n", (3, 7), "`L` does not depend on the param `s`"),
    Bad("no-gradient", XW + "loss L = x * round(w)\n", (2, 7), "`round(w)` has no slope at 3:14"),
    Bad("no-gradient", XW + "loss L = x * stop_gradient(w)\n", (2, 7), "gradient 0"),
    Bad("no-gradient", XW + "loss L = x if w > 0 else 2 * x\n", (2, 7), "gradient 0"),
    Bad("no-gradient", XW + "s = x\nif w > 0:\n    s = 2 * x\nloss L = s\n", (2, 7), "gradient 0"),
    Bad("no-gradient", VECTORS + "s = 0.0\nfor t in range(N):\n    s = s + x[t] * floor(w[t])\nloss L = s\n", (3, 7), "`floor(w[t])` has no slope at 6:20"),
    Bad("no-gradient", XW + "output f = x\noutput g = w\ngrad f wrt w\n", (2, 7), "`f` does not depend"),
    # poles
    Bad("singular", XW + "loss L = log(w * x)\n", (3, 10), "log of a value that may be 0 or negative"),
    Bad("singular", XW + "loss L = log(w)\n", (3, 10), "`param w: real > 0` rules it out"),
    Bad("singular", VECTORS + "loss L = sum(x / w)\n", (4, 14), "`param w: real[N] > 0` rules it out"),
    Bad("singular", XW + "loss L = log(w**2 * x**2)\n", (3, 10), "add a small number: `w**2 * x**2 + 1e-12`"),
    Bad("singular", XW + "loss L = sqrt(abs(w * x))\n", (3, 10), "may be 0, where its slope is infinite"),
    Bad("singular", XW + "loss L = x / (w - 1)\n", (3, 10), "`where(w - 1 != 0, …, 0)` keeps"),
    Bad("singular", XW + "loss L = 1 / (w * x)\n", (3, 10), "division by a value that may be 0"),
    Bad("singular", XW + "loss L = (w * x)**0.7\n", (3, 10), "with an exponent that is not whole"),
    Bad("singular", XW + "loss L = (w * x)**-3\n", (3, 10), "may be 0, with a negative exponent"),
    Bad("singular", XW + "loss L = (w * x)**x\n", (3, 10), "with an exponent that is not whole"),
    Bad("singular", XW + "loss L = arccos(w * x)\n", (3, 10), "`clip(w * x, -1 + 1e-9, 1 - 1e-9)` keeps"),
    Bad("singular", XW + "loss L = arcsin(sin(w * x))\n", (3, 10), "may be -1 or 1"),
    Bad("singular", XW + "loss L = log1p(w * x)\n", (3, 10), "may be -1 or less"),
    Bad("singular", XW + "loss L = lgamma(w * x)\n", (3, 10), "poles"),
    Bad("singular", XW + "loss L = arctan2(w, x)\n", (3, 10), "may be 0"),
    Bad("singular", XW + "loss L = w * x * log(0.0)\n", (3, 18), "`0` is 0"),
    Bad("singular", XW + "s = 0.0\nfor t in range(3):\n    s = s + w / (x + t)\nloss L = s\n", (5, 13), "`x + t` may be any number"),
    Bad("singular", "dim T\ninput y: real[T]\nparam w: real\ns = 0.0\nfor t in range(T):\n    s = s + w / t\nloss L = s\n", (6, 13), "`t`"),
    Bad("singular", XW + "s = 1.0\nfor t in range(3):\n    s = s - w\nloss L = log(s) + x\n", (6, 10), "negative"),
    Bad("singular", XW + "s = w\nif x > 0:\n    s = log(w)\nloss L = s\n", (5, 9), "log of"),
    Bad("singular", XW + "h = x\nwhile h > 1e-3:\n    h = h - w**2\nloss L = log(h)\n", (6, 10), "`h` may be any number up to 0.001"),
    Bad("singular", XW + "h = x\nwhile h < 100 max 9:\n    h = 2 * h * w\nloss L = log(h)\n", (6, 10), "`h` may be any number"),
    Bad("singular", XW + "h = x\nwhile h < 100 and w < 1:\n    h = 2 * h\nloss L = log(h)\n", (6, 10), "`h` may be any number"),
    Bad("singular", XW + "loss L = where(x > 0, log(w), 0.0)\n", (3, 23), "log of"),
    Bad("singular", XW + "def f(a):\n    return log(a)\nloss L = f(w * x)\n", (4, 12), "called at 5:10"),
    Bad("singular", "from stats import normal\n" + XW + "loss L = normal(x, 0.0, w)\n", (4, 10), "it stands at stats.dsl"),
    # underflow
    Bad("underflow", VECTORS + "p = softmax(w)\nloss L = log(sum(p * x**2 + exp(w)))\n", (5, 10), "underflow to 0"),
    Bad("underflow", VECTORS + "a = exp(w) * (1 + x**2)\nloss L = sum(a / sum(a) * x)\n", (5, 14), "made of exponentials"),
    Bad("underflow", VECTORS + "d = 0.0\nfor k in range(N):\n    d += exp(-(w[k] - x[k])**2)\nloss L = log(d)\n", (7, 10), "`d` is made of exponentials"),
    # whole numbers
    Bad("integer-division", XW + "loss L = w * x * (1 // 2)\n", (3, 18), "the rest of this division is lost: it is 0"),
    Bad("integer-division", VECTORS + "loss L = sum(w * x) / (-N // 2)\n", (4, 23), "`-(N // 2)` is symmetric"),
    Bad("integer-division", VECTORS + "loss L = sum(w * x) + (-N % 3)\n", (4, 23), "the divisor's sign"),
    Bad("integer-division", XW + "loss L = w * x + w // 2.0\n", (3, 18), "no gradient goes through it"),
    Bad("integer-division", XW + "input n: int\nloss L = w * x * (7 // n)\n", (4, 18), "`n` may be 0"),
    Bad("integer-division", XW + "input n: int\nloss L = w * x * (7 % n)\n", (4, 18), "`%` by an int"),
    # what is computed otherwise
    Bad("rewritten", XW + "loss L = log(1 + exp(w * x))\n", (3, 10), "this is computed as softplus(w * x)"),
    Bad("rewritten", XW + "z = w * x\nloss L = 1 / (1 + exp(-z))\n", (4, 10), "sigmoid(z)"),
    Bad("rewritten", XW + "loss L = sqrt(w**2 + x**2)\n", (3, 10), "hypot(w, x)"),
    Bad("rewritten", VECTORS + "loss L = log(sum(exp(w + x)))\n", (4, 10), "logsumexp(w + x)"),
    Bad("rewritten", VECTORS + "loss L = log(softmax(w)[0])\n", (4, 10), "log_softmax(w)[0]"),
    Bad("rewritten", XW + "loss L = w**2 - x**2\n", (3, 10), "(w - x) * (w + x)"),
    Bad("rewritten", XW + "loss L = w * (1 - cos(x))\n", (3, 14), "2 * sin(0.5 * x)**2"),
    Bad("rewritten", XW + "def f(a):\n    return log(1 + exp(a))\nloss L = f(w * x)\n", (4, 12), "softplus"),
    Bad("rewritten", "dim N\ninput b: real[N]\nparam A: real[N, N]\noutput y = inv(A) @ b\n", (4, 12), "solve(A, b)"),
]  # fmt: skip

GOOD = [
    # unused
    ("unused", XW + "loss L = w * x\n"),
    ("unused", "dim N\ninput x: real[N]\nparam w: real\nloss L = w * N\n"),
    ("unused", XW + "a, b = w, x\nloss L = w * x + a\n"),
    ("unused", XW + "_, b = w, x\n_c = w\nloss L = w * b\n"),
    ("unused", XW + "assert x > 0\nloss L = w\n"),
    ("unused", XW + "s = 0.0\nn = x\nwhile n > 0 max 9:\n    n = n - 1\n    s += w\nloss L = s\n"),
    ("unused", XW + "flag = x > 0\ns = w\nif flag:\n    s = 2 * w\nloss L = s\n"),
    ("unused", "dim T\ninput k: int[T] in range(3)\nparam w: real[3]\nvar v: real[T]\nfor t in range(T):\n    i = k[t]\n    v[t] = w[i]\nloss L = sum(v)\n"),
    ("unused", VECTORS + "loss L = sum(w[i] * x[i] for i in range(N))\n"),
    ("unused", "const n = 3\ndim K = 2\n" + XW + "def f(a):\n    return n * a + K\nloss L = f(w * x)\n"),
    ("unused", XW + "def ste(a, unused):\n    return round(a)\nadjoint ste(a, unused, d_out):\n    return d_out, 0.0\nloss L = ste(w, x)\n"),
    ("unused", "const start = 0.5\ninput x: real\nparam w: real = start\nloss L = w * x\n"),
    ("unused", XW + "loss L = grad(w**3 * x, w)\n"),
    # shadowed
    ("shadowed", XW + "def linear(x, w):\n    h = x * w\n    return h\nh = linear(x, w)\nloss L = h\n"),
    ("shadowed", XW + "e = w - x\nloss L = e**2\n"),
    ("shadowed", "dim N\nparam w: real[N]\ns = 0.0\nfor i in range(N):\n    s += w[i]\nloss L = s + sum(w[i] for i in range(N))\n"),
    ("shadowed", "dim d\nparam w: real[d]\ndef f(a, d):\n    return sum(a) / d\nloss L = f(w, d)\n"),
    # gradients
    ("no-gradient", XW + "loss L = w * round(w) * x\n"),
    ("no-gradient", XW + "def ste(a):\n    return round(a)\nadjoint ste(a, d_out):\n    return d_out\nloss L = ste(w) * x\n"),
    ("no-gradient", XW + "s = w\nfor t in range(3):\n    s = s * x\nloss L = s\n"),
    ("no-gradient", XW + "a = w\nb = 0.0\nfor t in range(3):\n    c = b + a\n    b = c\nloss L = b * x\n"),
    ("no-gradient", XW + "s = x\nif x > 0:\n    s = w\nloss L = s\n"),
    ("no-gradient", XW + "loss L = grad(w**2 * x, w)\n"),
    ("no-gradient", "param A: real[2, 2]\nloss L = log(abs(det(A))) + slogdet(A)[1]\n"),
    # poles
    ("singular", "param w: real > 0\ninput x: real\nloss L = log(w) + x / w + sqrt(w) + w**x\n"),
    ("singular", XW + "loss L = log(1 + w**2) + sqrt(1 + x**2) + w / (2 + sin(x))\n"),
    ("singular", XW + "loss L = log(exp(w) + exp(x)) + x / exp(w)\n"),
    ("singular", XW + "loss L = log(sigmoid(w) * x**2 + 1e-9) + log(softplus(w)) + 1 / cosh(x)\n"),
    ("singular", XW + "loss L = log(maximum(w * x, 1e-9)) + x / clip(w, 0.1, 1)\n"),
    ("singular", XW + "loss L = where(w > 0, log(w), x) + (x / w if w != 0 else 0)\n"),
    ("singular", XW + "s = w * x\nif w > 0:\n    s = log(w)\nloss L = s\n"),
    ("singular", XW + "assert w > 0\nloss L = log(w) * x\n"),
    ("singular", XW + "loss L = (w * x)**2 + w**4 + x**3 + (1 + w**2)**-2\n"),
    ("singular", "input x: real\nparam w: real\nloss L = sum(w**arange(1, 4)) * x\n"),
    ("singular", XW + "loss L = arctanh(tanh(w * x)) + arccos(0.9 * sin(w)) + arctan2(w, 1 + x**2)\n"),
    ("singular", VECTORS + "loss L = mean(w * x) / N + norm(w) + std(x) + sum(w) / (N - 1)\n"),
    ("singular", "dim T\ninput y: real[T]\nparam w: real\ns = 0.0\nfor t in range(T):\n    s = s + w / (t + 1)\nloss L = s\n"),
    ("singular", "dim T\ninput y: real[T]\nparam w: real\ns = 0.0\nfor t in range(1, T):\n    s = s + w / t\nloss L = s\n"),
    ("singular", XW + "s = 1.0\nfor t in range(3):\n    s = s + exp(w * x)\nloss L = log(s)\n"),
    ("singular", VECTORS + "var a: real[N]\na[0] = 1.0\nfor t in range(1, N):\n    a[t] = a[t - 1] * exp(w[t] * x[t])\nloss L = sum(log(a))\n"),
    ("singular", "dim T\nparam w: real[T]\ns = 0.0\nfor t in range(T):\n    s += 1 + w[t]**2\nloss L = log(s)\n"),
    ("singular", XW + "h = x\nwhile h < 100:\n    h = 2 * h * w\nloss L = log(h)\n"),
    ("singular", XW + "h = x\nwhile not 100 <= h or h > w + 300:\n    h = 2 * h * w\nloss L = log(h)\n"),
    ("singular", XW + "h = x\ns = 0.0\nwhile h > 1e-3 and s < 9:\n    s = s + log(h) / h\n    h = h - w**2\nloss L = s\n"),
    ("singular", XW + "n = 3\ns = x\nwhile n > 0 max 9:\n    s = s + w / n\n    n = n - 1\nloss L = s\n"),
    ("singular", "input p: real >= 0 <= 1\nparam w: real\nloss L = log(p + 1e-9) * w\n"),
    ("singular", XW + "loss L = log(sum(softmax([w, x]) @ softmax([[w, x], [x, w]])))\n"),
    ("singular", XW + "s = 1.0\nif x > 0:\n    s = 2.0\nloss L = w / s\n"),
    ("underflow", VECTORS + "loss L = sum(log_softmax(w + x)) + logsumexp(x)\n"),
    ("underflow", VECTORS + "loss L = sum(exp(w) / sum(exp(w)) * x) + sum(x / exp(w))\n"),
    ("underflow", "dim T, K, M\ninput o: int[T] in range(M)\nparam A: real[K, K]\nparam B: real[K, M]\nP = softmax(A, axis=1)\nE = softmax(B, axis=1)\na = E[:, o[0]]\nL_ = 0.0\nfor t in range(1, T):\n    a = (a @ P) * E[:, o[t]]\n    L_ = L_ + log(sum(a))\n    a = a / sum(a)\nloss L = L_\n"),
    # whole numbers
    ("integer-division", "dim N\nparam w: real[N]\nloss L = sum(w[N // 2:]) + 4 // 2 + 1 / 2\n"),
    ("integer-division", XW + "input n: int > 0\nloss L = w * x * (7 // n)\n"),
    ("integer-division", XW + "loss L = w * (x // 2.0)\n"),
    # what is computed otherwise
    ("rewritten", XW + "loss L = softplus(w * x) + log(x**2 + 2) + w**2\n"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.lint}: {bad.words}")
def test_what_it_finds(bad: Bad) -> None:
    found = {f.span: f for f in linted(bad.model, bad.lint)}
    at_place = [f for span, f in found.items() if (span.line, span.column) == bad.place]
    assert len(at_place) == 1, [(str(f.span), f.message) for f in found.values()]
    notes = [f"{note.message} at {note.span.line}:{note.span.column}" for note in at_place[0].notes]
    elsewhere = [f"{note.message} at {note.span}" for note in at_place[0].notes]
    assert bad.words in " | ".join(
        [at_place[0].message, at_place[0].label, at_place[0].help, *notes, *elsewhere]
    )
    assert at_place[0].code == BY_NAME[bad.lint].code
    assert at_place[0].severity == ("note" if bad.lint == "rewritten" else "warning")


@pytest.mark.parametrize(("lint", "model"), GOOD)
def test_what_it_leaves_alone(lint: str, model: str) -> None:
    assert [(str(f.span), f.message) for f in linted(model, lint)] == []


def test_every_lint_has_examples() -> None:
    assert {bad.lint for bad in BAD} == set(BY_NAME)
    assert {lint for lint, _ in GOOD} >= {name for name in BY_NAME if not name.startswith("unused")} | {
        "unused"
    }


def test_codes_and_names_are_different() -> None:
    assert len({lint.code for lint in LINTS}) == len(BY_NAME) == len(LINTS)
    assert [lint.code for lint in LINTS] == sorted(lint.code for lint in LINTS)


def test_every_singular_op_has_its_words() -> None:
    assert DANGERS.keys() == {op.name for op in OPS.values() if op.singular or op.steep}


def test_every_stability_rule_has_its_reason() -> None:
    assert WHY.keys() == {rule.name for rule in STABILITY_RULES}


def test_an_argument_is_complained_of_once() -> None:
    found = linted(XW + "a = x / w\nloss L = a + sin(x / w) + x / w**2\n", "singular")
    assert [(f.span.line, f.span.column) for f in found] == [(3, 5), (4, 27)]


def test_a_value_is_found_once_where_a_function_is_called_twice() -> None:
    found = linted(XW + "def f(a):\n    return log(a)\nloss L = f(w) + f(x)\n", "singular")
    assert [f.span.line for f in found] == [4]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], [lint.name for lint in LINTS if lint.name != "rewritten"]),
        (["usual"], [lint.name for lint in LINTS if lint.name != "rewritten"]),
        (["all"], list(BY_NAME)),
        (
            ["all", "no-singular,no-unused"],
            ["shadowed", "no-gradient", "underflow", "integer-division", "rewritten"],
        ),
        (["no-gradient"], ["no-gradient"]),
        (["all,no-no-gradient"], [name for name in BY_NAME if name != "no-gradient"]),
        (["W0301", "shadowed"], ["shadowed", "singular"]),
        (["error"], [lint.name for lint in LINTS if lint.name != "rewritten"]),
    ],
)
def test_choice(words: list[str], names: list[str]) -> None:
    choice = chosen(words)
    assert [lint.name for lint in choice.lints] == names
    assert choice.as_errors == ("error" in words)


@pytest.mark.parametrize("word", ["singluar", "no-singluar", "W0999"])
def test_an_unknown_lint(word: str) -> None:
    with pytest.raises(UnknownLint, match="no lint"):
        chosen([word])


# Fits and iterations that divide by, or take a power of, what the model leaves open.
OPEN = {"kepler", "trig"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.dsl")), ids=lambda path: path.stem)
def test_sound_models(path: Path) -> None:
    """The usual lints are quiet on the examples, but for what divides by an unbounded number."""
    found = findings(program_of(read_source(str(path))), chosen([]).lints)
    unbounded = path.stem in OPEN or path.parent.name in ("nist", "mgh", "adbench")
    assert {f.code for f in found} <= ({"W0301"} if unbounded else set()), [f.message for f in found]
