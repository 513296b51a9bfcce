"""Random expressions of a wanted shape, over the values and counters of a scope.

    drawing = Expressions(Random(7))
    scope = Scope([Value("x", (N, M)), Value("v", (M,))], [Counter("t", N)])
    drawing.of(scope, (M,), depth=2)         # "tanh((x[t] + 0.5 * v))"

An expression is made from its shape downwards: a rule turns the wish for a shape into wishes for other shapes, and
ends at a value of the scope, whole, sliced or picked by a counter. Arguments of functions stay where the functions
are smooth and their values moderate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from autodiffc.compiler.types import Dim, Shape

T, N, M, K = map(Dim.symbol, "TNMK")
DIMS = (T, N, M, K)

UNARY = (
    "sin(X)", "cos(X)", "tanh(X)", "sigmoid(X)", "exp(0.3 * tanh(X))", "expm1(0.2 * sin(X))", "log(1.5 + square(X))",
    "-X", "log1p(square(X))", "sqrt(1 + X ** 2)", "tanh(X) ** 2", "abs(0.3 + X)", "relu(X + 0.2)", "softplus(X)",
    "leaky_relu(X - 0.1, 0.1)", "elu(X + 0.4)", "silu(X)", "gelu(X)", "log_sigmoid(X)", "arctan(X)", "arcsinh(X)",
    "1 / (2 + square(X))", "0.5 * X", "X / 3", "arcsin(0.9 * tanh(X))", "1 - X", "2 ** (0.5 * tanh(X))",
    "(2 + square(X)) ** -1.5", "clip(X, -0.7, 0.9)", "log(1 + exp(X))", "1 / (1 + exp(-X))", "X / sqrt(N)", "X - 0.5",
    "log(1 - sigmoid(X))", "sqrt(square(X) + 0.1)", "erf(X)", "erfc(X)", "lgamma(1.5 + square(sin(X)))", "sign(X) * X",
    "digamma(2 + tanh(X))", "ndtr(X)", "xlogy(softplus(X), softplus(X))", "hardtanh(0.7 * X)", "cosh(tanh(X))",
)  # fmt: skip
BINARY = (
    "X + Y", "X - Y", "X * tanh(Y)", "X / (2 + square(Y))", "maximum(X, Y - 0.1)", "minimum(X + 0.1, Y)", "X + 0.5 * Y",
    "hypot(X + 0.1, 1 + Y)", "arctan2(X, 1.5 + square(Y))", "logaddexp(X, Y)", "where(X > Y + 0.1, X, 0.3 * Y)", "Y - X",
    "log(exp(tanh(X)) + exp(tanh(Y)))", "(1.5 + sin(X)) ** tanh(Y)", "tanh(X) ** 2 - tanh(Y) ** 2", "sigmoid(X) * Y",
    "where(X > 0.1, sqrt(abs(X)), Y)", "xlogy(sigmoid(X), 1 + square(Y))", "lbeta(1 + sigmoid(X), 2 + tanh(Y))",
    "huber(X, Y, delta=0.4)", "(1 - sigmoid(X)) * X + sigmoid(X) * tanh(Y)", "binary_cross_entropy_with_logits(X, sigmoid(Y))",
)  # fmt: skip
ALONG = (
    "softmax(X, axis=A)", "log_softmax(X, axis=A)", "cumsum(tanh(X), axis=A)", "flip(X, axis=A)", "roll(X, 1, axis=A)",
    "X - mean(X, axis=A, keepdims=true)", "exp(tanh(X)) / sum(exp(tanh(X)), axis=A, keepdims=true)", "sin(roll(X, -1, axis=A))",
    "X - logsumexp(X, axis=A, keepdims=true)", "X / (1 + norm(X + 0.3, axis=A, keepdims=true))", "cumprod(0.4 + sigmoid(X), axis=A)",
    "X - max(X, axis=A, keepdims=true)",
)  # fmt: skip
REDUCED = (
    "0.5 * sum(X, axis=A)", "mean(X, axis=A)", "max(X, axis=A)", "min(X, axis=A)", "logsumexp(X, axis=A)", "var(X, axis=A)",
    "norm(0.5 + X, axis=A)", "prod(0.5 + sigmoid(X), axis=A)", "sum(square(X), axis=A) / 4", "std(X, axis=A)",
)  # fmt: skip
NONEMPTY = ("max(", "min(", "mean(", "var(", "std(", "logsumexp(", "softmax(", "norm(")


@dataclass(frozen=True)
class Value:
    """An expression that can stand anywhere, and its shape."""

    text: str
    shape: Shape


@dataclass(frozen=True)
class Counter:
    """An int that is a valid index of an axis, with what is known of its least and its largest value."""

    text: str
    axis: Dim
    after: int = 0  # it is not below this
    before: int = 1  # it is not above axis - this


@dataclass(frozen=True)
class Function:
    """A function of the model: it gives one value for each shape of `results`."""

    name: str
    params: tuple[Shape, ...]
    results: tuple[Shape, ...]
    own: tuple[Dim, ...] = ()  # dims of its annotations


@dataclass
class Scope:
    """What an expression may use. Later values are taken more often."""

    values: list[Value] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    dims: tuple[Dim, ...] = DIMS

    def inner(self) -> Scope:
        return replace(self, values=[*self.values], counters=[*self.counters], functions=[*self.functions])


class Expressions:
    """Draws expressions; `needs` says how large the dims have to be for them."""

    def __init__(self, random: Random):
        self.random = random
        self.needs: dict[str, int] = {}
        self.names = 0

    def fresh(self, letter: str = "v") -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def chance(self, probability: float) -> bool:
        return self.random.randrange(100) < 100 * probability

    def need(self, dim: Dim, size: int) -> None:
        """Note that a dim, or a dim minus a number, must have at least a size."""
        for name in dim.symbols:
            more = (Dim.symbol(name) - dim).known or 0
            self.needs[name] = max(size + more, self.needs.get(name, 0))

    def of(self, scope: Scope, shape: Shape, depth: int) -> str:
        """An expression of a shape, in brackets unless it is a name or a call."""
        if depth <= 0 or self.chance(0.15):
            return self.leaf(scope, shape)
        rules = [
            self._unary,
            self._unary,
            self._binary,
            self._binary,
            self._choice,
            self._summed,
            self._reduced,
            self._called,
        ]
        rules += (
            [self._along, self._gathered, self._product, self._product]
            if shape
            else [self._product, self._solved]
        )
        rules += [self._solved] if len(shape) == 1 else []
        rules += [self._arranged] if 1 <= len(shape) <= 2 else []
        return self.random.choice(rules)(scope, shape, depth - 1)

    def dim(self, scope: Scope) -> Dim:
        return self.random.choice(scope.dims)

    # --- leaves ------------------------------------------------------------------------------------

    def leaf(self, scope: Scope, shape: Shape) -> str:
        found = [*self._leaves(scope, shape)]
        if found:
            text, needed = found[max(self.random.randrange(len(found)), self.random.randrange(len(found)))]
            if needed is not None:
                self.need(needed, 1)
            return text
        return self._filled(scope, shape)

    def _leaves(self, scope: Scope, shape: Shape) -> Iterator[tuple[str, Dim | None]]:
        for value in scope.values:
            if value.shape == shape:
                yield value.text, None
            elif value.shape[1:] == shape:
                yield from ((f"{value.text}[{i}]", d) for i, d in self._indices(scope, value.shape[0]))
            elif len(value.shape) == 2 and value.shape[:1] == shape:
                yield from ((f"{value.text}[:, {i}]", d) for i, d in self._indices(scope, value.shape[1]))
            elif len(shape) == 2 and value.shape == shape[::-1]:
                yield f"{value.text}.T", None
            elif value.shape and (value.shape[0] - 1, *value.shape[1:]) == shape:
                yield from ((f"{value.text}{part}", value.shape[0]) for part in ("[1:]", "[:-1]"))
            elif not shape and len(value.shape) == 2 and self.chance(0.3):
                i, j = (self.random.choice(self._indices(scope, d)) for d in value.shape)
                self.need(value.shape[1], 1)
                yield f"{value.text}[{i[0]}, {j[0]}]", value.shape[0]

    def _indices(self, scope: Scope, axis: Dim) -> list[tuple[str, Dim | None]]:
        """Indices of an axis; the first element only where no counter will do."""
        found: list[tuple[str, Dim | None]] = []
        for c in scope.counters:
            if c.axis == axis:
                found += [
                    (c.text, None),
                    (f"{axis} - 1 - {c.text}", None),
                    (f"({c.text} + 1) % {within(axis)}", None),
                ]
                found += [(f"{c.text} - 1", None)] if c.after else []
                found += [(f"{c.text} + 1", None)] if c.before > 1 else []
            elif axis == N and c.axis == T:
                found.append((f"word[{c.text}]", None))
            elif axis == T and c.axis == T:
                found.append((f"parent[{c.text}]", None))
        return [self.random.choice(found)] if found else [(self.random.choice(("0", "-1")), axis)]

    def _filled(self, scope: Scope, shape: Shape) -> str:
        """A value of a shape that no value has."""
        random = self.random
        if not shape:
            arrays = [v for v in scope.values if v.shape]
            if arrays and self.chance(0.8):
                return f"{random.choice(('mean', 'sum'))}(tanh({self._nonempty(random.choice(arrays))}))"
            return f"{random.choice((0.3, -0.7, 1.1, 2))}"
        smaller = [v.text for v in scope.values if v.shape in (shape[1:], ())]
        sizes = ", ".join(map(str, shape))
        filled = random.choice(smaller) if smaller else f"{random.choice((0.2, -0.4))}"
        return random.choice(
            (f"(zeros({sizes}) + {filled})", f"full(({sizes},), 0.3)", f"broadcast_to({filled}, ({sizes},))")
        )

    def _nonempty(self, value: Value) -> str:
        for d in value.shape:
            self.need(d, 1)
        return value.text

    # --- rules -------------------------------------------------------------------------------------

    def _unary(self, scope: Scope, shape: Shape, depth: int) -> str:
        return f"({self.under(self.of(scope, shape, depth))})"

    def under(self, text: str) -> str:
        return self.random.choice(UNARY).replace("X", text)

    def _binary(self, scope: Scope, shape: Shape, depth: int) -> str:
        other = self.random.choice((shape, shape, shape[1:], ()))
        a, b = self.of(scope, shape, depth), self.of(scope, other, depth)
        if other != shape and self.chance(0.3):
            a = self.of(scope, shape, 0)
        return f"({self.random.choice(BINARY).replace('X', a).replace('Y', b)})"

    def condition(self, scope: Scope, depth: int = 0) -> str:
        random, x = self.random, self.of(scope, (), depth)
        found = [
            f"{x} > {random.choice((0.1, -0.2, 0.5))}",
            f"-0.9 < {x} < 0.8",
            "flag",
            "N > 2",
            f"not {x} < 0.05",
            "n >= 2",
        ]
        for c in scope.counters:
            found += [
                f"{c.text} % 2 == 0",
                f"{c.text} > 1",
                f"{c.text} == 0",
                f"{c.text} < n",
                f"{c.text} > 0 and {x} > 0.1",
            ]
        return random.choice([*found, *found[:2], f"flag or {x} > 0.2"])

    def _choice(self, scope: Scope, shape: Shape, depth: int) -> str:
        a, b = self.of(scope, shape, depth), self.of(scope, shape, depth)
        return f"({a} if {self.condition(scope)} else {b})"

    def _summed(self, scope: Scope, shape: Shape, depth: int) -> str:
        """A generator sum."""
        inner, name, axis = scope.inner(), self.fresh("i"), self.dim(scope)
        bound, counter = self.random.choice(
            ((f"{axis}", Counter(name, axis)), (f"1, {axis}", Counter(name, axis, 1)))
        )
        inner.counters.append(counter)
        return f"sum(0.4 * {self.of(inner, shape, depth)} for {name} in range({bound}))"

    def _reduced(self, scope: Scope, shape: Shape, depth: int) -> str:
        if len(shape) > 2:
            return self.of(scope, shape, depth)
        axis, extra = self.random.randint(0, len(shape)), self.dim(scope)
        wide = (*shape[:axis], extra, *shape[axis:])
        return self._on_axis(REDUCED, self.of(scope, wide, depth), wide, axis)

    def _along(self, scope: Scope, shape: Shape, depth: int) -> str:
        return self._on_axis(ALONG, self.of(scope, shape, depth), shape, self.random.randrange(len(shape)))

    def _on_axis(self, templates: tuple[str, ...], text: str, shape: Shape, axis: int) -> str:
        template = self.random.choice(templates)
        if any(name in template for name in NONEMPTY):
            self.need(shape[axis], 1)
        if "std(" in template:
            self.need(shape[axis], 2)
        number = axis - len(shape) if self.chance(0.5) else axis
        return f"({template.replace('A', str(number)).replace('X', text)})"

    def _product(self, scope: Scope, shape: Shape, depth: int) -> str:
        inner = self.dim(scope)
        splits: list[tuple[Shape, Shape]] = [
            ((*shape[:k], inner), (inner, *shape[k:]))
            for k in range(len(shape) + 1)
            if k <= 2 and len(shape) - k <= 1
        ]
        if not splits:
            return self._unary(scope, shape, depth)
        a, b = self.random.choice(splits)
        return f"(0.5 * {self.of(scope, a, depth)} @ {self.of(scope, b, depth)})"

    def _solved(self, scope: Scope, shape: Shape, depth: int) -> str:
        """Linear algebra on a well-conditioned matrix."""
        size = shape[0] if shape else self.dim(scope)
        square = self.of(scope, (size, size), min(depth, 1))
        self.need(size, 1)
        spd = f"(tanh({square}) @ tanh({square}).T / {within(size)} + 1.5 * eye({size}))"
        general = f"(0.3 * sin({square}) / {within(size)} + eye({size}))"
        if not shape:
            return self.random.choice(
                (
                    f"logdet({spd})",
                    f"(0.5 * det({general}))",
                    f"slogdet({general})[1]",
                    f"trace(inv({general}))",
                )
            )
        b = self.of(scope, shape, depth)
        return self.random.choice((
            f"solve({spd}, {b})", f"solve({general}, {b})", f"(inv({general}) @ {b})", f"(cholesky({spd}) @ {b})",
            f"solve_triangular(cholesky({spd}), {b}, lower=true)",
        ))  # fmt: skip

    def _gathered(self, scope: Scope, shape: Shape, depth: int) -> str:
        if shape[0] != T or T not in scope.dims:
            return self._along(scope, shape, depth)
        axis, index = self.random.choice(((N, "word"), (T, "parent"), (T, "parent")))
        if len(shape) == 2 and self.chance(0.3):
            return f"{self.of(scope, (shape[1], axis), depth)}[:, {index}].T"
        return f"{self.of(scope, (axis, *shape[1:]), depth)}[{index}]"

    def _called(self, scope: Scope, shape: Shape, depth: int) -> str:
        single = [f for f in scope.functions if len(f.results) == 1]
        fixed = [f for f in single if not f.own and f.results == (shape,)]
        polymorphic = [f for f in single if f.own and _fits(f.results[0], shape)]
        if fixed and self.chance(0.7):
            return self.call(scope, self.random.choice(fixed), {}, depth)
        if polymorphic:
            function = self.random.choice(polymorphic)
            sizes = dict(zip(function.results[0], shape))
            return self.call(
                scope, function, {d: sizes.get(d) or self.dim(scope) for d in function.own}, depth
            )
        return self._binary(scope, shape, depth)

    def call(self, scope: Scope, function: Function, sizes: dict[Dim, Dim], depth: int) -> str:
        """A call of a function with other arguments; `sizes` gives its own dims."""
        for own, size in sizes.items():
            self.need(size, self.needs.get(str(own), 0))
        args = [self.of(scope, tuple(sizes.get(d, d) for d in p), min(depth, 1)) for p in function.params]
        return f"{function.name}({', '.join(args)})"

    def _arranged(self, scope: Scope, shape: Shape, depth: int) -> str:
        """Shapes made of other shapes."""
        rule = self.random.choice(_VECTORS if len(shape) == 1 else _MATRICES)
        return rule(lambda *wanted: self.of(scope, wanted, depth), *shape)


def within(dim: Dim) -> str:
    """A dim as a factor."""
    return f"{dim}" if dim.known is not None or f"{dim}".isidentifier() else f"({dim})"


def _fits(wanted: Shape, shape: Shape) -> bool:
    """Whether some dims of a function make the one shape the other."""
    return len(wanted) == len(shape) and len(set(zip(wanted, shape))) == len(set(wanted))


Make = Callable[..., str]
_VECTORS: tuple[Make, ...] = (
    lambda of, a: f"reshape({of(K, a)}, K * {within(a)})[:{a}]",
    lambda of, a: f"diag({of(a, a)})",
    lambda of, a: f"concatenate(({of(a)}, {of(a)}))[{a}:]",
    lambda of, a: f"pad({of(a)}, 1)[:-2]",
    lambda of, a: f"repeat({of(a)}, 2)[:{a}]",
    lambda of, a: f"stack(({of(a)}, {of(a)}), axis=1)[:, 1]",
    lambda of, a: f'(0.3 * einsum("ij,j->i", {of(a, K)}, {of(K)}))',
)
_MATRICES: tuple[Make, ...] = (
    lambda of, a, b: f"outer({of(a)}, {of(b)})",
    lambda of, a, b: f"({of(a)}[:, None] * tanh({of(b)}))",
    lambda of, a, b: f"{of(b, a)}.T",
    lambda of, a, b: f"reshape({of(b, a)}, {a}, {b})",
    lambda of, a, b: f"tril({of(a, b)})",
    lambda of, a, b: f"triu({of(a, b)}, 1)",
    lambda of, a, b: f"swapaxes({of(b, a)}, 0, -1)",
    lambda of, a, b: f"concatenate(({of(a, b)}, {of(a, b)}), axis=1)[:, {b}:]",
    lambda of, a, b: f'(0.3 * einsum("ik,kj->ij", {of(a, M)}, {of(M, b)}))',
    lambda of, a, b: f"{of(a, b)}[::-1]",
)
