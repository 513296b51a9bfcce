"""Random models over the language's functions and shapes: what the author of a table does not think of.

    text = random_model(Random(7), steps=6).text

A model is some statements, each a function or an operator of values that came before (so that values are
shared), and a loss of all that nothing has used. Operands are kept where functions are smooth and values
moderate, so that differences can be compared with the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from random import Random

import numpy as np
from autodiffc.compiler.types import Dim, Shape, size_of

N, M, ONE, TWO = Dim.symbol("N"), Dim.symbol("M"), Dim.of(1), Dim.of(2)
SIZES = {"N": 3, "M": 4}
HEAD = """dim N, M
input i: int[N] in range(M)
input j: int[2] in range(N)
input b: bool[N, M]
input c: real[M]
input p: real[N, M] > 0
param x: real[N, M]
param u: real[M]
param v: real[N]
param s: real
param A: real[M, M]
param t: real[2, 1, M]
"""
LEAVES: dict[str, Shape] = {
    "x": (N, M), "u": (M,), "v": (N,), "s": (), "A": (M, M), "t": (TWO, ONE, M), "c": (M,), "p": (N, M),
}  # fmt: skip
WRT = ("x", "u", "v", "s", "A", "t", "p")

UNARY = (
    "sin(X)", "cos(X)", "tanh(X)", "sigmoid(X)", "exp(0.3 * X)", "expm1(0.2 * X)", "log(1.5 + square(X))", "-X",
    "log1p(square(X))", "sqrt(1 + X ** 2)", "square(X)", "abs(X)", "relu(X)", "leaky_relu(X, 0.1)", "elu(X)",
    "selu(X)", "softplus(X)", "silu(X)", 'gelu(X, approximate="tanh")', "log_sigmoid(X)", "arctan(X)", "erf(X)", "erfc(X)",
    "gelu(X)", "lgamma(1.5 + square(X))", "digamma(1 + square(X))", "log(erfc(X))", "1 - erf(X)", "ndtr(X)", "arcsinh(X)",
    "cbrt(2 + square(X))", "hardtanh(X)", "relu6(3 * X)", "X ** 2", "X ** 3", "1 / (2 + square(X))", "2 * X", "X / 3",
    "arcsin(0.9 * tanh(X))", "arccos(0.9 * tanh(X))", "arctanh(0.5 * sin(X))", "arccosh(2 + abs(X))", "1 - X",
    "2 ** (0.5 * X)", "(2 + square(X)) ** -1.5", "clip(X, -0.5, 0.8)", "log2(1 + exp(X))", "log10(3 + X * X)",
    "sinh(0.3 * X)", "cosh(0.5 * X)", "tan(0.5 * tanh(X))", "sqrt(X ** 2)", "X - 0.5", "X % 0.7", "X * N", "0 * X",
    "X / sqrt(M)", "sign(X) * X", "prelu(X, s)", "floor(X) * X", "log(1 + exp(X))", "1 / (1 + exp(-X))", "exp(X) - 1",
    "1 - sigmoid(X)", "log(sigmoid(X))", "1 - cos(X)", "log(X + sqrt(X ** 2 + 1))", "log(1 - sigmoid(X))",
    "(exp(X) - exp(-X)) / (exp(X) + exp(-X))", "log(1 - exp(-softplus(X)))", "2 * sigmoid(2 * X) - 1", "log(exp(X))",
    "xlogy(softplus(X), softplus(X))", "softplus(X) * log(softplus(X))", "exp(log(1 + square(X)))",
    "0.5 * log((1 + tanh(X) / 2) / (1 - tanh(X) / 2))",
)  # fmt: skip
BINARY = (
    "X + Y", "X - Y", "X * Y", "X / (2 + square(Y))", "maximum(X, Y)", "minimum(X, Y)", "hypot(X, Y)", "X * X * Y",
    "arctan2(X, 1.5 + square(Y))", "logaddexp(X, Y)", "where(X > Y, X, Y * X)", "where(X > 0.1, sqrt(abs(X)), Y)",
    "log(exp(X) + exp(Y))", "sqrt(X * X + Y * Y)", "X ** 2 - Y ** 2", "(1.5 + sin(X)) ** Y", "exp(X) / exp(Y)",
    "exp(X) / (exp(X) + exp(Y))", "clip(X, Y, Y + 1)", "xlogy(X, 1 + square(Y))", "xlog1py(X, square(Y))",
    "lbeta(1 + square(X), 0.5 + square(Y))", "huber(X, Y, delta=0.4)", "hinge(X, Y)", "binary_cross_entropy_with_logits(X, Y)", "(X - Y) / (X ** 2 + 1)",
    "binary_cross_entropy(sigmoid(X), sigmoid(Y))", "maximum(0, X) * Y", "where(X > Y or X < -0.5, X, 0.0)",
    "(X if Y > 0 else X * Y)", "where(-1 < X < 0.5, Y, X)", "elu(X, 0.5) + Y", "exp(X) * exp(Y)", "(X > Y) * X",
    "softplus(X) * log(softplus(X) / softplus(Y))", "X // 0.5 * Y", "X % (1 + square(Y))",
)  # fmt: skip
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "var", "std", "norm", "logsumexp")
ALONG = (
    "softmax(X, axis=Y)", "log_softmax(X, axis=Y)", "cumsum(X, axis=Y)", "cumprod(X, axis=Y)", "flip(X, axis=Y)",
    "roll(X, 1, axis=Y)", "X - mean(X, axis=Y, keepdims=true)", "exp(X) / sum(exp(X), axis=Y, keepdims=true)",
    "log(softmax(X, axis=Y))", "X - logsumexp(X, axis=Y, keepdims=true)", "softmax(X, axis=Y) * X",
    "X / (1 + norm(X, axis=Y, keepdims=true))", "layer_norm(X, 1.5, 0.5, axis=Y, eps=0.1)",
    "(X - mean(X, axis=Y, keepdims=true)) / (0.5 + std(X, axis=Y, keepdims=true))", "log(1e-3 + softmax(X, axis=Y))",
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A value of the model: an expression that can stand anywhere, and its shape."""

    text: str
    shape: Shape


@dataclass
class Model:
    """Statements as they come, and what later ones may use."""

    random: Random
    lines: list[str] = field(default_factory=list)
    pool: list[Value] = field(default_factory=lambda: [Value(*leaf) for leaf in LEAVES.items()])
    unused: list[Value] = field(default_factory=list)

    def value(self, accepts: Callable[[Shape], bool] = lambda shape: True) -> Value | None:
        """A value whose shape will do, newer ones preferred; now and then under a function."""
        fit = [v for v in self.pool if accepts(v.shape)]
        if not fit:
            return None
        value = fit[max(self.random.randrange(len(fit)), self.random.randrange(len(fit)))]
        if value in self.unused:
            self.unused.remove(value)
        return Value(f"({self.under(value.text)})", value.shape) if self.random.random() < 0.4 else value

    def array(self, ranks: range = range(1, 5)) -> Value:
        """A value that is no scalar; there always is one of rank 2."""
        value = self.value(lambda shape: len(shape) in ranks)
        assert value is not None
        return value

    def under(self, text: str) -> str:
        return self.random.choice(UNARY).replace("X", text)

    def add(self, text: str, shape: Shape) -> bool:
        """A statement, unless its value is too large."""
        if count(shape) > 600 or len(shape) > 4:
            return False
        self.pool.append(Value(f"h{len(self.lines)}", shape))
        self.unused.append(self.pool[-1])
        self.lines.append(f"h{len(self.lines)} = {text}")
        return True

    @property
    def text(self) -> str:
        terms = [_term(value, k) for k, value in enumerate(self.unused)]
        return "\n".join(
            [HEAD + "\n".join(self.lines), f"loss L = {' + '.join(terms)}", f"grad L wrt {', '.join(WRT)}\n"]
        )


def _term(value: Value, k: int) -> str:
    if not value.shape:
        return value.text
    smooth = "mean(sin(X + 0.3) * (1.2 + X))" if k % 2 else "sum(X ** 2) / 8"
    return smooth.replace("X", value.text)


def random_model(random: Random, steps: int = 6) -> Model:
    model = Model(random)
    while len(model.lines) < steps:
        random.choice(STEPS)(model)
    return model


def random_arguments(seed: int) -> dict[str, np.ndarray]:
    """Values for the arguments of HEAD."""
    generator = np.random.default_rng(seed)
    shapes = {name: tuple(d.evaluate(SIZES) for d in shape) for name, shape in LEAVES.items()}
    reals = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    indices = {"i": generator.integers(0, 4, 3), "j": generator.integers(0, 3, 2)}
    return {**reals, **indices, "p": generator.uniform(0.3, 2.0, (3, 4)), "b": generator.random((3, 4)) > 0.5}


def count(shape: Shape) -> int:
    return prod(d.evaluate(SIZES) for d in shape)


def broadcast(a: Shape, b: Shape) -> Shape | None:
    rank = max(len(a), len(b))
    a, b = (ONE,) * (rank - len(a)) + a, (ONE,) * (rank - len(b)) + b
    if any(p != q and ONE not in (p, q) for p, q in zip(a, b)):
        return None
    return tuple(q if p == ONE else p for p, q in zip(a, b))


# --- steps: each adds a statement, or nothing where no operands fit -------------------------------------


def _unary(model: Model) -> None:
    value = model.value()
    assert value is not None
    model.add(model.under(value.text), value.shape)


def _binary(model: Model) -> None:
    a, template = model.value(), model.random.choice(BINARY)
    assert a is not None
    b = model.value(lambda shape: broadcast(a.shape, shape) is not None)
    shape = broadcast(a.shape, b.shape) if b is not None else None
    if b is not None and shape is not None:
        model.add(template.replace("X", a.text).replace("Y", b.text), shape)


def _reduction(model: Model) -> None:
    a, random = model.array(), model.random
    rank, name = len(a.shape), random.choice(REDUCTIONS)
    axes = sorted(random.sample(range(rank), random.randint(0, rank)))
    keepdims = random.random() < 0.4
    shown = tuple(k - rank if random.random() < 0.3 else k for k in axes)
    options = f", axis={shown[0] if len(shown) == 1 else shown}" if axes else ""
    options += ", keepdims=true" if keepdims else ""
    options += ", ord=1" if name == "norm" and random.random() < 0.3 else ""
    reduced = axes or range(rank)
    if name in ("var", "std") and random.random() < 0.3 and count(tuple(a.shape[k] for k in reduced)) > 1:
        options += ", ddof=1"
    shape = tuple(ONE if k in reduced else d for k, d in enumerate(a.shape) if keepdims or k not in reduced)
    model.add(f"{name}({'0.7 * ' if name == 'prod' else ''}{a.text}{options})", shape)


def _along(model: Model) -> None:
    a = model.array()
    axis = model.random.randrange(-len(a.shape), len(a.shape))
    model.add(model.random.choice(ALONG).replace("X", a.text).replace("Y", str(axis)), a.shape)


def _product(a: Shape, b: Shape) -> Shape | None:
    if not a or not b or a[-1] != b[max(0, len(b) - 2)]:
        return None
    batch = broadcast(a[:-2], b[:-2])
    return None if batch is None else batch + a[-2:-1] + (b[-1:] if len(b) > 1 else ())


def _matmul(model: Model) -> None:
    a = model.array(range(1, 4))
    b = model.value(lambda shape: _product(a.shape, shape) is not None)
    shape = _product(a.shape, b.shape) if b is not None else None
    if b is not None and shape is not None:
        model.add(f"{a.text} @ {b.text}", shape)


def _einsum(model: Model) -> None:
    random = model.random
    operands = [model.array(range(1, 4)) for _ in range(random.randint(1, 3))]
    letters: dict[str, Dim] = {}
    terms = []
    for operand in operands:
        term = ""
        for dim in operand.shape:
            known = [letter for letter, d in letters.items() if d == dim]
            letter = random.choice(known) if known and random.random() < 0.75 else "abcdefghk"[len(letters)]
            letters[letter] = dim
            term += letter
        terms.append(term)
    result = random.sample(sorted(letters), random.randint(0, min(3, len(letters))))
    spec = f"{','.join(terms)}->{''.join(result)}"
    if count(tuple(letters.values())) <= 4000:
        text = f'0.5 * einsum("{spec}", {", ".join(o.text for o in operands)})'
        model.add(text, tuple(letters[letter] for letter in result))


def _item(random: Random, dim: Dim) -> tuple[str, Shape]:
    """An index of one axis, and the axes that it leaves."""
    choices: list[tuple[str, Shape]] = [
        (":", (dim,)),
        (":", (dim,)),
        ("::-1", (dim,)),
        ("0", ()),
        ("-1", ()),
        (":, None", (dim, ONE)),
    ]
    if count((dim,)) > 1:
        choices += [
            ("1:", (dim - 1,)),
            (":-1", (dim - 1,)),
            ("-1:", (ONE,)),
            ("::2", ((dim + 1) // 2,)),
            ("1::2", (dim // 2,)),
        ]
    choices += {M: [("i", (N,))], N: [("j", (TWO,))]}.get(dim, [])
    return random.choice(choices)


def _index(model: Model) -> None:
    a = model.array()
    items, axes = zip(*(_item(model.random, dim) for dim in a.shape))
    gathers = sum(item in "ij" for item in items)
    if gathers < 2 and not (gathers and {"0", "-1"} & set(items)):  # NumPy moves the axes of several
        model.add(f"{a.text}[{', '.join(items)}]", tuple(d for left in axes for d in left))


def _arranged(a: Value, k: int, under: str) -> list[tuple[str, Shape]]:
    x, shape, total = a.text, a.shape, size_of(a.shape)

    def at(dim: Dim) -> Shape:
        return (*shape[:k], dim, *shape[k + 1 :])

    found: list[tuple[str, Shape]] = [
        (f"{x}.T", shape[::-1]), (f"reshape({x}, -1)", (total,)), (f"reshape({x}, ({total}, 1))", (total, ONE)),
        (f"expand_dims({x}, {k})", (*shape[:k], ONE, *shape[k:])), (f"flip({x})", shape), (f"roll({x}, -1)", shape),
        (f"broadcast_to({x}, (2, {', '.join(map(str, shape))}))", (TWO, *shape)), (f"cumsum({x})", (total,)),
        (f"stack([{x}, 2 * {x}], axis={k})", (*shape[:k], TWO, *shape[k:])), (f"pad({x}, 1)", tuple(d + 2 for d in shape)),
        (f"concatenate(({x}, {under}), axis={k})", at(2 * shape[k])), (f"repeat({x}, 2, axis={k})", at(2 * shape[k])),
        (f'pad({x}, (2, 1), mode="edge")', tuple(d + 3 for d in shape)), (f"tile({x}, 2)", (*shape[:-1], 2 * shape[-1])),
        (f"squeeze(expand_dims({x}, 0), 0)", shape),
    ]  # fmt: skip
    if len(shape) == 2:
        found += [
            (f"tril({x})", shape), (f"triu({x}, 1)", shape), (f"swapaxes({x}, 0, -1)", shape[::-1]),
            (f"0.3 * outer({x}[0], {x}[:, 0])", shape[::-1]), (f"transpose({x}, (1, 0))", shape[::-1]),
        ]  # fmt: skip
    if len(shape) == 2 and shape[0] == shape[1]:
        found += [(f"diag({x})", shape[:1]), (f"trace({x})", ()), (f"eye({shape[0]}) @ {x}", shape)]
    if len(shape) == 1:
        found += [
            (f"diag({x})", shape * 2),
            (f"outer({x}, {x})", shape * 2),
            (f"{x} * arange({shape[0]})", shape),
        ]
    return found


def _arrangement(model: Model) -> None:
    a = model.array(range(1, 4))
    k = model.random.randrange(len(a.shape))
    model.add(*model.random.choice(_arranged(a, k, model.under(a.text))))


def _of_rows(model: Model) -> None:
    """Functions whose other operands are arguments of the model."""
    a = model.value(lambda shape: shape[-1:] == (M,) and broadcast(shape, (N, M)) is not None)
    assert a is not None
    x, shape, wide = a.text, a.shape, broadcast(a.shape, (N, M)) or ()
    found: list[tuple[str, Shape]] = [
        (f"layer_norm({x}, u, c)", shape), (f"batch_norm({x}, u, c, axis=-1)", shape), (f"kl_div(softmax({x}), softmax(u))", shape[:-1]),
        (f"where(b, {x}, 0.5)", wide), (f"cross_entropy({x}, softmax({x} + c))", shape[:-1]), (f"{x} * one_hot(i, M)", wide),
        (f"mse({x}, c)", ()), (f"mae({x}, c)", ()), (f"{x} ** arange(M)", shape), (f"log(p) * {x}", wide), (f"{x} * b", wide),
        (f"p ** {x}", wide), (f"{x} / p", wide), (f"mean({x} * {x}) - mean({x}) ** 2", ()), (f"[s, 2 * s] * sum({x})", (TWO,)),
    ]  # fmt: skip
    if shape == (N, M):
        found += [
            (f"cross_entropy({x}, i)", (N,)), (f"{x}[arange(N), i]", (N,)), (f"{x}[argmax({x}, axis=0), arange(M)]", (M,)),
            (f"embedding({x}, j)", (TWO, M)), (f"{x}[j[:, None], i]", (TWO, N)), (f"{x}[j, 1]", (TWO,)),
        ]  # fmt: skip
    model.add(*model.random.choice(found))


STEPS = (
    _unary, _unary, _binary, _binary, _binary, _reduction, _reduction, _along, _matmul, _einsum, _index,
    _arrangement, _arrangement, _of_rows, _of_rows,
)  # fmt: skip
