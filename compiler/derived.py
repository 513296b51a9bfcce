"""Graphs of a model that a check takes differences of: the model, its gradient, what is squared in it.

graphs = Graphs(program)
graphs.gradient          # outputs d_NAME
graphs.squares.inner     # for L = sum((x @ w - y)**2) + 0.1 * sum(w**2): outputs x @ w - y and w
graphs.squares.outer     # L as a function of these two
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
from autodiffc.grammar.records import record

from .case import Layout
from .compiled import Arguments
from .interp import evaluate
from .ir import Array, Graph, Interval
from .model import Program
from .ops import argument
from .passes.adjoints import Options
from .passes.autodiff import differentiate, gradients
from .passes.dce import Dce
from .passes.derivatives import Derivatives
from .passes.modes import trained
from .passes.pipeline import prepare
from .passes.squares import squares_of
from .samples import Sizes


class NoSquares(Exception):
    """The target is no sum of squares in which the check finds them."""


@record(frozen=True, eq=False)
class Squares:
    """A target as a linear function of squares.

    `inner` has what is squared as outputs, `outer` the squares as inputs under the same names, and `weights`
    the factors of the squares. Without them the target is an array, and half of its own square is meant.
    """

    inner: Graph
    outer: Graph | None = None
    weights: Graph | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.inner.outputs)

    def product(self, a: Array, b: Array, arguments: Arguments, sizes: Sizes) -> tuple[float, float]:
        """aᵀ H b, with H of the quadratic form, and the largest value that it is a difference of.

        A second difference of a quadratic form is exact, whatever the step.
        """
        if self.outer is None:
            return float(a @ b), float(np.abs(a) @ np.abs(b))
        start = evaluate(self.inner, arguments, sizes)
        corners = [self._at(start, p, arguments, sizes) for p in (a + b, a - b, -a + b, -a - b)]
        return (corners[0] - corners[1] - corners[2] + corners[3]) / 4.0, max(map(abs, corners))

    def rest(self, held: Arguments, arguments: Arguments, sizes: Sizes) -> float:
        """The target with the squares that it has at other arguments."""
        if self.outer is None:
            return 0.0
        return self._value(evaluate(self.inner, held, sizes), arguments, sizes)

    def _at(self, start: Mapping[str, Array], step: Array, arguments: Arguments, sizes: Sizes) -> float:
        assert self.outer is not None
        steps = Layout(self.names, tuple(start[name].shape for name in self.names)).split(step)
        return self._value({name: start[name] + steps[name] for name in self.names}, arguments, sizes)

    def _value(self, inner: Mapping[str, Array], arguments: Arguments, sizes: Sizes) -> float:
        """The target where these are squared; a product of a vector with itself is the sum of its squares."""
        assert self.outer is not None
        ranks = {node["name"]: node.rank for node in self.outer.inputs}
        squares = {name: x**2 if ranks[name] == x.ndim else np.sum(x**2) for name, x in inner.items()}
        (value,) = evaluate(self.outer, {**arguments, **squares}, sizes).values()
        return float(value)

    def plain(self, arguments: Arguments, sizes: Sizes) -> bool:
        """Whether no square is subtracted."""
        if self.weights is None:
            return True
        return all(np.all(w >= 0.0) for w in evaluate(self.weights, arguments, sizes).values())


@record(frozen=True, eq=False)
class Graphs:
    """Made when they are asked for."""

    program: Program

    @property
    def target(self) -> str:
        return str(self.program.target)

    @property
    def ranges(self) -> dict[str, Interval]:
        return {a.name: a.attained for a in self.program.arguments}

    @cached_property
    def value(self) -> Graph:
        """The target, without the derivatives that the model computes with: plain nodes in their places."""
        return self._alone(Derivatives(self.ranges).run(trained(self.program.graph)))

    @cached_property
    def gradient(self) -> Graph:
        joint = differentiate(self.value, self.target, self.program.wrt, None, self.ranges)
        return Dce().run(replace(joint, outputs=joint.outputs[1:]))

    @cached_property
    def squares(self) -> Squares:
        if not self.program.scalar_target:
            return Squares(self.value)
        graph = self._alone(prepare(trained(self.program.graph), 1, self.ranges))
        target = graph.output(self.target)
        found = squares_of(target, [i for i in graph.inputs if i["name"] in self.program.wrt])
        if not isinstance(found, list):
            raise NoSquares(f"{self.target} is not a sum of squares")
        names = [f"square {k}" for k in range(len(found))]
        inner = replace(graph, outputs=tuple((name, node) for name, (_, node) in zip(names, found)))
        leaves = {square: argument(name, square.type) for name, (square, _) in zip(names, found)}
        outer = replace(graph, inputs=(*graph.inputs, *leaves.values())).with_images(leaves)
        slopes = gradients(
            outer.output(self.target), list(leaves.values()), None, outer, Options(self.ranges)
        )
        factors = tuple((leaf["name"], slopes.of(leaf)) for leaf in leaves.values())
        weights = replace(outer, outputs=factors)
        return Squares(Dce().run(inner), Dce().run(outer), Dce().run(weights))

    def _alone(self, graph: Graph) -> Graph:
        return Dce().run(replace(graph, outputs=((self.target, graph.output(self.target)),)))
