"""Random model files: declarations, functions, loops, branches, and what they compute with one another.

    model = whole_model(Random(7))
    model.text                               the file
    model.arguments(seed, model.sizes)       values for its arguments

Whatever is drawn is a valid model: counters stay inside their axes, elements of a `var` are written once, and
`needs` says how large the dims have to be. Values stay moderate, as what loops carry is damped in each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from autodiffc.compiler.types import Dim, Shape
from whole_expressions import DIMS, Counter, Expressions, Function, K, M, N, Scope, T, Value

USUAL = {"T": 4, "N": 3, "M": 2}
INPUTS = """input word: int[T] in range(N)
input parent: int[T] in range(T)
input n: int in range(T + 1)
input flag: bool
"""
SHAPES: tuple[Shape, ...] = (
    (),
    (),
    (N,),
    (M,),
    (T,),
    (N, N),
    (N, M),
    (T, N),
    (T, M),
    (K,),
    (N, K),
    (T, N, M),
    (T, T),
)
NAMES = (
    "x",
    "y",
    "W",
    "lambda",
    "np",
    "d_x",
    "β",
    "math",
    "cache",
    "self",
    "b",
    "theta",
    "out",
    "step",
    "U",
    "gamma",
    "e",
)
CONSTRAINTS = {"": (-1.2, 1.2), " > 0": (0.3, 1.5), " >= -2 <= 2": (-1.0, 1.0)}


@dataclass(frozen=True)
class Argument:
    """An input or a param: its name, shape and interval of values."""

    name: str
    shape: Shape
    interval: tuple[float, float]
    is_param: bool


@dataclass(frozen=True)
class Model:
    """A model file, and what is to be known of it."""

    text: str
    reals: tuple[Argument, ...]
    wrt: tuple[str, ...]
    needs: Mapping[str, int]

    @property
    def sizes(self) -> dict[str, int]:
        return {dim: max(size, self.needs.get(dim, 0)) for dim, size in USUAL.items()}

    def small_sizes(self, random: Random) -> dict[str, int]:
        """Sizes of which some are as small as they can be: 0 or 1, mostly."""
        found = {
            dim: random.choice((self.needs.get(dim, 0), self.needs.get(dim, 0), size))
            for dim, size in self.sizes.items()
        }
        return {**found, "N": max(found["N"], min(found["T"], 1))}  # a word is one of N

    def arguments(self, seed: int, sizes: Mapping[str, int]) -> dict[str, Any]:
        """Values of all arguments, by name."""
        rng = np.random.default_rng(seed)
        steps, words = sizes["T"], sizes["N"]
        given: dict[str, Any] = {  # a model may take some of these only
            "word": rng.integers(0, words, steps) if words else np.zeros(0, int), "parent": rng.integers(0, max(steps, 1), steps),
            "n": int(rng.integers(0, steps + 1)), "flag": bool(rng.random() < 0.5), "sizes": np.zeros([sizes[d] for d in "TNM"], bool),
        }  # fmt: skip
        for argument in self.reals:
            size = tuple(d.evaluate({**sizes, "K": 3}) for d in argument.shape)
            given[argument.name] = (
                rng.uniform(*argument.interval, size) if size else float(rng.uniform(*argument.interval))
            )
        return given


@dataclass
class Block:
    """Lines as they come, at one depth of indentation."""

    lines: list[str] = field(default_factory=list)
    depth: int = 0

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def inner(self) -> Block:
        return Block(self.lines, self.depth + 1)


def whole_model(random: Random, statements: int = 6) -> Model:
    return Statements(random).model(statements)


class Statements(Expressions):
    """Draws statements. Each puts lines into a block, and what they define into a scope."""

    def model(self, statements: int) -> Model:
        reals = self._arguments()
        scope = Scope([Value(a.name, a.shape) for a in reals])
        head, body = Block(), Block()
        for _ in range(self.random.choice((0, 1, 1, 2))):
            self._function(head, scope)
        used = len(scope.values)
        for _ in range(self.random.randint(1, statements)):
            self.random.choice(
                (
                    self._assignment,
                    self._for,
                    self._for,
                    self._for,
                    self._for,
                    self._if,
                    self._while,
                    self._tuple,
                )
            )(body, scope, 2)
        loss = " + ".join(self._term(v) for v in scope.values[used:] or scope.values)
        params = [a.name for a in reals if a.is_param]
        wrt = self.random.choice((params, [a.name for a in reals])) or [a.name for a in reals]
        return Model(
            self._text(reals, [*head.lines, *body.lines], loss, wrt), reals, tuple(wrt), dict(self.needs)
        )

    def _arguments(self) -> tuple[Argument, ...]:
        names = self.random.sample(NAMES, self.random.randint(3, 6))
        found = []
        for name in names:
            constraint = self.random.choice(("", "", *CONSTRAINTS))
            shape = self.random.choice(SHAPES)
            found.append((self.chance(0.7), name, shape, constraint))
        found.sort(key=lambda a: a[0])
        self.constraints = {name: constraint for _, name, _, constraint in found}
        return tuple(Argument(name, shape, CONSTRAINTS[c], is_param) for is_param, name, shape, c in found)

    def _text(self, reals: tuple[Argument, ...], body: list[str], loss: str, wrt: list[str]) -> str:
        lines = ["dim T, N, M", "dim K = 3", *INPUTS.splitlines()]
        # T, N and M are bound wherever they are used.
        lines += ["input sizes: bool[T, N, M]"]
        for a in reals:
            lines.append(
                f"{'param' if a.is_param else 'input'} {a.name}: {type_of(a.shape)}{self.constraints[a.name]}"
            )
        return "\n".join([*lines, *body, f"loss L = {loss}", f"grad L wrt {', '.join(wrt)}", ""])

    def _term(self, value: Value) -> str:
        if not value.shape:
            return f"sin({value.text})"
        return self.random.choice(("sum(sin(0.3 + X) * (0.4 + tanh(X)))", "sum(tanh(X) ** 2)")).replace(
            "X", value.text
        )

    def shape(self, scope: Scope) -> Shape:
        """A shape that is about; now and then another one."""
        found = [v.shape for v in scope.values]
        if found and self.chance(0.7):
            return self.random.choice(found)
        if self.chance(0.1):
            less = self.dim(scope) - 1
            self.need(less, 0)
            return (less, *((self.dim(scope),) if self.chance(0.5) else ()))
        return tuple(self.dim(scope) for _ in range(self.random.randint(0, 2)))

    # --- statements --------------------------------------------------------------------------------

    def _assignment(self, block: Block, scope: Scope, depth: int) -> None:
        shape, name = self.shape(scope), self.fresh()
        note = f": {type_of(shape)}" if self.chance(0.15) else ""
        block.add(f"{name}{note} = {self.of(scope, shape, 3)}")
        scope.values.append(Value(name, shape))

    def _tuple(self, block: Block, scope: Scope, depth: int) -> None:
        functions = [f for f in scope.functions if len(f.results) > 1]
        if not functions:
            return self._assignment(block, scope, depth)
        function = self.random.choice(functions)
        sizes = {d: self.dim(scope) for d in function.own}
        names = [self.fresh() for _ in function.results]
        block.add(f"{', '.join(names)} = {self.call(scope, function, sizes, 2)}")
        shapes = [tuple(sizes.get(d, d) for d in s) for s in function.results]
        scope.values += [Value(name, shape) for name, shape in zip(names, shapes)]

    def _function(self, block: Block, outer: Scope) -> None:
        """A function over its arguments; in half of the cases with dims of its own."""
        own = (Dim.symbol("P"), Dim.symbol("Q")) if self.chance(0.5) else ()
        name, random = self.fresh("f"), self.random
        for dim in own:
            self.needs.pop(str(dim), None)
        dims = own or DIMS
        count = random.randint(1, 2)
        params = tuple(tuple(random.choice(dims) for _ in range(random.randint(0, 2))) for _ in range(count))
        if own:
            params = (*params, own)
        names = [self.fresh("a") for _ in params]
        scope = Scope(
            [Value(n, s) for n, s in zip(names, params)], [], [f for f in outer.functions if not f.own], dims
        )
        body = block.inner()
        typed = own or self.chance(0.5)
        shown = [f"{n}: {type_of(s)}" if typed else n for n, s in zip(names, params)]
        block.add(f"def {name}({', '.join(shown)}):")
        for _ in range(random.randint(0, 2)):
            random.choice((self._assignment, self._for, self._if))(body, scope, 1)
        results = tuple(random.choice(params) for _ in range(random.choice((1, 1, 2))))
        body.add(f"return {', '.join(self.of(scope, s, 2) for s in results)}")
        needs = {d: self.needs.pop(str(d), 0) for d in own}
        for dim, size in needs.items():
            self.needs[f"{name}.{dim}"] = size
        fresh = tuple(Dim.symbol(f"{name}.{d}") for d in own)
        renamed = dict(zip(own, fresh))
        outer.functions.append(Function(name, _renamed(params, renamed), _renamed(results, renamed), fresh))

    def _range(self, scope: Scope) -> tuple[str, Counter]:
        """The arguments of a range, and what is known of its variable."""
        name, axis, random = (
            self.fresh("t"),
            self.random.choice((T, T, *scope.dims) if T in scope.dims else scope.dims),
            self.random,
        )
        found = [
            (f"{axis}", Counter(name, axis)), (f"1, {axis}", Counter(name, axis, 1)), (f"{axis} - 1, -1, -1", Counter(name, axis)),
            (f"0, {axis}, 2", Counter(name, axis)), (f"{axis} - 1", Counter(name, axis, 0, 2)), (f"1, {axis} - 1", Counter(name, axis, 1, 2)),
            (f"{axis}", Counter(name, axis)), (f"{axis} - 2, 0, -1", Counter(name, axis, 1, 2)), (f"{axis} - 1, 0, -2", Counter(name, axis, 1)),
        ]  # fmt: skip
        found += (
            [("n", Counter(name, T)), ("n, T", Counter(name, T)), ("1, n", Counter(name, T, 1))]
            if T in scope.dims
            else []
        )
        for c in scope.counters:
            found += [
                (f"{c.text}", Counter(name, c.axis, 0, 2)),
                (f"{c.text}, {c.axis}", Counter(name, c.axis, c.after)),
                (f"{c.text} + 1", Counter(name, c.axis)),
            ]
            found += [(f"{c.text}, -1, -1", Counter(name, c.axis))]
        return random.choice(found)

    def _for(self, block: Block, scope: Scope, depth: int) -> None:
        if not depth:
            return self._assignment(block, scope, depth)
        random = self.random
        bounds, counter = self._range(scope)
        carried = [self._start(block, scope) for _ in range(random.choice((0, 1, 1, 2, 3)))]
        filled = [
            self._var(block, scope, counter)
            for _ in range(random.choice((0, 0, 1, 1, 2) if carried else (1, 1, 2)))
        ]
        inner = scope.inner()
        inner.counters.append(counter)
        inner.values += carried + [
            read for v, place in filled for read in self._reads(v, place, counter, bounds)
        ]
        mark = " checkpoint" if self.chance(0.15) else ""
        block.add(f"for {counter.text} in range({bounds}){mark}:")
        self._steps(block.inner(), inner, carried, filled, depth - 1)
        scope.values += carried + [v for v, _ in filled]

    def _start(self, block: Block, scope: Scope) -> Value:
        """A value for a loop to carry."""
        value = Value(self.fresh("h"), self.shape(scope))
        block.add(f"{value.text} = {self.of(scope, value.shape, 1)}")
        return value

    def _var(self, block: Block, scope: Scope, counter: Counter) -> tuple[Value, str]:
        """A `var` for a loop to fill, and where its steps write."""
        value = Value(
            self.fresh("s"), (counter.axis, *(self.dim(scope) for _ in range(self.random.choice((0, 1, 1)))))
        )
        block.add(f"var {value.text}: {type_of(value.shape)}")
        t = counter.text
        places = (
            [t, t, f"{counter.axis} - 1 - {t}"]
            + [f"{t} + 1"] * (counter.before > 1)
            + [f"{t} - 1"] * (counter.after > 0)
        )
        return value, self.random.choice(places)

    def _reads(self, value: Value, place: str, counter: Counter, bounds: str) -> list[Value]:
        """Elements that may be read where a step begins: of the step before, or wherever data say."""
        shape, t = value.shape[1:], counter.text
        found = [Value(f"{value.text}[parent[{t}]]", shape)] if counter.axis == T else []
        if bounds.endswith(("-1", "-2")):
            found += [Value(f"{value.text}[{t} + 1]", shape)] * 2 if place == t and counter.before > 1 else []
        elif place == t and counter.after:
            found += [Value(f"{value.text}[{t} - 1]", shape)] * 2
        elif place == t and not shape:
            found += [Value(f"({value.text}[{t} - 1] if {t} > 0 else 0.2)", shape)]
        elif place == f"{t} + 1":
            found += [Value(f"{value.text}[{t}]", shape)]
        return found

    def _steps(
        self, block: Block, scope: Scope, carried: list[Value], filled: list[tuple[Value, str]], depth: int
    ) -> None:
        """The body of a loop: local values, what is carried, what is filled, in any order."""
        tasks = [lambda: self._assignment(block, scope, 0)] * self.random.choice((0, 1, 1, 2))
        tasks += [lambda v=value: self._update(block, scope, v, depth) for value in carried]  # type: ignore[misc]
        tasks += [lambda f=pair: self._fill(block, scope, *f, depth) for pair in filled]  # type: ignore[misc]
        if depth and self.chance(0.4):
            tasks.append(lambda: self._for(block, scope, depth))
        if depth and self.chance(0.3):
            tasks.append(lambda: self._if(block, scope, depth))
        for task in self.random.sample(tasks, len(tasks)):
            task()

    def _update(self, block: Block, scope: Scope, value: Value, depth: int) -> None:
        """A new value for what is carried."""
        name, term = value.text, lambda deep: self.of(scope, value.shape, deep)
        if depth and self.chance(0.3):
            block.add(f"if {self.condition(scope, 1)}:")
            self._update(block.inner(), scope.inner(), value, 0)
            if self.chance(0.3):
                block.add(f"elif {self.condition(scope)}:")
                self._update(block.inner(), scope.inner(), value, 0)
            if self.chance(0.6):
                block.add("else:")
                self._update(block.inner(), scope.inner(), value, 0)
        else:
            block.add(self.random.choice((
                f"{name} = tanh({term(2)} + 0.5 * {name})", f"{name} = 0.6 * {name} + 0.3 * tanh({term(2)})",
                f"{name} += 0.2 * sin({term(2)})", f"{name} = sin({term(3)})", f"{name} = {name} * sigmoid({term(2)}) + 0.1",
                f"{name} = ({name} if {self.condition(scope)} else 0.7 * {name} + 0.1 * tanh({term(1)}))", f"{name} -= 0.1 * {name}",
            )))  # fmt: skip

    def _fill(self, block: Block, scope: Scope, value: Value, place: str, depth: int) -> None:
        """Write an element of a `var`; later statements may read it."""
        shape = value.shape[1:]
        if shape and depth and self.chance(0.3):
            j = Counter(self.fresh("j"), shape[0])
            inner = scope.inner()
            inner.counters.append(j)
            block.add(f"for {j.text} in range({shape[0]}):")
            block.inner().add(f"{value.text}[{place}, {j.text}] = tanh({self.of(inner, shape[1:], 2)})")
        elif depth and self.chance(0.2):
            block.add(f"if {self.condition(scope)}:")
            block.inner().add(f"{value.text}[{place}] = sin({self.of(scope, shape, 2)})")
        else:
            block.add(
                f"{value.text}[{place}] = {self.random.choice(('tanh', 'sin'))}({self.of(scope, shape, 2)})"
            )
        scope.values.append(Value(f"{value.text}[{place}]", shape))

    def _if(self, block: Block, scope: Scope, depth: int) -> None:
        """Branches that define the same names, and may have values of their own."""
        values = [Value(self.fresh(), self.shape(scope)) for _ in range(self.random.choice((1, 1, 2)))]
        for head in ("if", "elif", "else") if self.chance(0.4) else ("if", "else"):
            block.add(f"{head}:" if head == "else" else f"{head} {self.condition(scope, 1)}:")
            inner, within = block.inner(), scope.inner()
            if depth and self.chance(0.3):
                self.random.choice((self._assignment, self._for))(inner, within, depth - 1)
            for value in values:
                inner.add(f"{value.text} = {self.of(within, value.shape, 2)}")
        scope.values += values

    def _while(self, block: Block, scope: Scope, depth: int) -> None:
        """A loop that ends when a sum of positive terms is large enough."""
        total = Value(self.fresh("w"), ())
        block.add(f"{total.text} = 0.2")
        carried = [self._start(block, scope) for _ in range(self.random.choice((0, 1, 2)))]
        limit = f" max {self.random.choice(('4', 'n', 'T', '6'))}" if self.chance(0.6) else ""
        block.add(f"while {total.text} < {self.random.choice((1.3, 2.05))}{limit}:")
        inner, within = block.inner(), scope.inner()
        within.values += [*carried, total]
        self._steps(inner, within, carried, [], depth - 1)
        inner.add(f"{total.text} += 0.3 + 0.4 * square(tanh({self.of(within, (), 1)}))")
        scope.values += [*carried, total]


def type_of(shape: Shape) -> str:
    return f"real[{', '.join(map(str, shape))}]" if shape else "real"


def _renamed(shapes: tuple[Shape, ...], names: dict[Dim, Dim]) -> tuple[Shape, ...]:
    return tuple(tuple(names.get(d, d) for d in shape) for shape in shapes)
