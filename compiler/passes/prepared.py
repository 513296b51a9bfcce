"""A model ready to be differentiated in whatever way its module is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autodiffc.grammar.records import record

from ..ir import Graph, Interval, Node
from ..model import Program
from ..ops import argument
from ..types import Dim, size_of
from .adjoints import Optimise, Options
from .autodiff import differentiate
from .dce import Dce
from .forward import pushed_forward
from .structured import Fresh, names_in


@record(frozen=True)
class Prepared:
    """A model ready to be differentiated: its prepared graph, and how that is done.

    `optimise` is for the bodies of loops with their adjoints, `simplify` for those that are differentiated
    again: in these ops stay whole, as the parts of softmax, say, have no right derivatives of their own.
    `plain` is the model's graph simplified at every level, so that all find the same elements that are 0.
    """

    program: Program
    graph: Graph
    ranges: Mapping[str, Interval]
    optimise: Optimise
    simplify: Optimise
    level: int
    plain: Graph

    @property
    def target(self) -> str:
        assert self.program.target is not None
        return self.program.target

    @property
    def wrt(self) -> tuple[str, ...]:
        return self.program.wrt

    @property
    def options(self) -> Options:
        return Options(self.ranges, optimise=self.optimise, recompute=self.level > 0)

    def node(self, name: str) -> Node:
        return next(i for i in self.graph.inputs if i["name"] == name)

    def value(self) -> Node:
        return self.graph.output(self.target)

    def fresh(self) -> Fresh:
        """Names unlike anything in the model."""
        return Fresh((*self.program.dims, *names_in(self.graph)))

    def vectors(self, pattern: str) -> dict[str, Node]:
        """An argument for each wrt value, of its type and named after it."""
        fresh = self.fresh()
        return {name: argument(fresh(pattern.format(name)), self.node(name).type) for name in self.wrt}

    def alone(self) -> Graph:
        """The target and nothing else."""
        return self._target_of(self.graph)

    def plain_alone(self) -> Graph:
        """The same of the graph that patterns are read from."""
        return self._target_of(self.plain)

    def _target_of(self, graph: Graph) -> Graph:
        return Dce().run(replace(graph, outputs=((self.target, graph.output(self.target)),)))

    def joint(self, seed: Node | None = None, again: bool = False) -> Graph:
        """The target with its gradient; `again`: which is to be differentiated again."""
        optimise = self.simplify if again else self.optimise
        recompute = self.level > 0 and not again
        return differentiate(
            self.alone(), self.target, self.wrt, seed, self.ranges, optimise=optimise, recompute=recompute
        )

    def gradient(self, seed: Node | None = None, again: bool = False) -> Graph:
        """The gradient alone."""
        joint = self.joint(seed, again)
        return Dce().run(replace(joint, outputs=joint.outputs[1:]))

    def gradient_along(self, dots: Mapping[str, Node]) -> Graph:
        """The gradient's tangents: forward over reverse."""
        gradient = self.gradient(again=True)
        graph = pushed_forward(gradient, [name for name, _ in gradient.outputs], dots, self.options)
        return Dce().run(replace(graph, outputs=graph.outputs[len(self.wrt) :]))

    def size(self) -> Dim:
        """The number of elements of all wrt values."""
        return sum((size_of(self.node(name).shape) for name in self.wrt), Dim.of(0))
