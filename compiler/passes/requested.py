"""The graphs of the functions that a module has on request: products with derivatives, and dense matrices.

    jvp            the target, its tangent            along tangents of the wrt values
    hvp            tangents of the gradient           forward over reverse: one pass of each
    gauss_newton   Jᵀ H J v                           with H of the outer sum of squares alone
    jacobian       the target's derivative by each wrt value, of shape target + value
    hessian        over the wrt values as one vector

Each is made of the model's prepared graph, as the gradient is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import ops
from ..ir import Graph, Interval, Node, const
from ..model import Program, Requested
from ..ops import argument
from ..types import TUPLE, Dim, Type, size_of
from .adjoints import Optimise, Options, Seed
from .autodiff import differentiate, gradients, reverse
from .dce import Dce
from .directions import over_directions
from .forward import pushed_forward, tangents
from .squares import squares_of
from .structured import Fresh, names_in, substitute
from .zeros import Zeros

NAMES = ("jvp", "vjp", "hvp", "jacobian", "hessian", "gauss_newton")
UNROLLED = 16  # directions that are written out, at most


class CannotEmit(ValueError):
    """A function was asked for that makes no sense for the model."""


def refuse_senseless(program: Program, emit: Sequence[str]) -> None:
    """CannotEmit where a function is unknown, or needs another target."""
    for name in emit:
        if name not in NAMES:
            raise CannotEmit(f"{name} is no function on request; there are {', '.join(NAMES)}")
        if program.target is None or not program.wrt:
            raise CannotEmit(f"{name}: the model differentiates nothing; add a loss or `grad … wrt …`")
        if name in ("hvp", "hessian") and not program.scalar_target:
            raise CannotEmit(f"{name}: {program.target} is not a scalar; it has a jacobian, jvp and vjp")


@dataclass(frozen=True)
class Maker:
    """What all functions are made of: the prepared graph, and how it is differentiated."""

    program: Program
    prepared: Graph
    ranges: Mapping[str, Interval]
    optimise: Optimise
    level: int

    @property
    def target(self) -> str:
        assert self.program.target is not None
        return self.program.target

    @property
    def wrt(self) -> tuple[str, ...]:
        return self.program.wrt

    @property
    def options(self) -> Options:
        return Options(self.ranges, optimise=self.optimise)

    def node(self, name: str) -> Node:
        return next(i for i in self.prepared.inputs if i["name"] == name)

    def value(self) -> Node:
        return self.prepared.output(self.target)

    def vectors(self, pattern: str) -> dict[str, Node]:
        """An argument for each wrt value, of its type and named after it."""
        fresh = Fresh(names_in(self.prepared))
        return {name: argument(fresh(pattern.format(name)), self.node(name).type) for name in self.wrt}

    def joint(self) -> Graph:
        """The target with its gradient."""
        alone = replace(self.prepared, outputs=((self.target, self.value()),))
        return differentiate(
            Dce().run(alone), self.target, self.wrt, None, self.ranges, optimise=self.optimise
        )

    def gradient(self) -> Graph:
        """The gradient alone."""
        joint = self.joint()
        return Dce().run(replace(joint, outputs=joint.outputs[1:]))

    # --- products --------------------------------------------------------------------------------

    def jvp(self) -> Requested:
        dots = self.vectors("{}_dot")
        alone = Dce().run(replace(self.prepared, outputs=((self.target, self.value()),)))
        graph = pushed_forward(alone, [self.target], dots, self.options)
        return self._function("jvp", graph, tuple(dots.items()), (self.target, f"{self.target}_dot"))

    def hvp(self) -> Requested:
        dots = self.vectors("v_{}")
        graph = self._along(dots)
        return self._function("hvp", graph, tuple(dots.items()), tuple(name for name, _ in graph.outputs))

    def _along(self, dots: Mapping[str, Node]) -> Graph:
        """The gradient's tangents."""
        gradient = self.gradient()
        graph = pushed_forward(gradient, [name for name, _ in gradient.outputs], dots, self.options)
        return Dce().run(replace(graph, outputs=graph.outputs[len(self.wrt) :]))

    def gauss_newton(self) -> Requested:
        """Jᵀ H J v, with J of what is squared in the target and H of the squares (Schraudolph 2002)."""
        dots = self.vectors("v_{}")
        alone = Dce().run(replace(self.prepared, outputs=((self.target, self.value()),)))
        chosen = [self.node(name) for name in self.wrt]
        residuals = self._residuals(alone, chosen)
        seeds = {self.node(name): dot for name, dot in dots.items()}
        found = tangents([r for r, _ in residuals], seeds, alone, self.options)
        starts = [
            Seed(r, found.of(r) if weight is None else 2.0 * weight * found.of(r), Zeros.MIXED)
            for r, weight in residuals
        ]
        adjoints, _ = reverse(starts, chosen, alone, self.options)
        outputs = tuple((f"d_{name}_dot", adjoints.of(self.node(name))) for name in self.wrt)
        graph = replace(
            alone,
            inputs=(*alone.inputs, *dots.values()),
            outputs=outputs,
            names={**alone.names, **found.names},
            origins={**adjoints.origins, **found.origins, **alone.origins},
        )
        graph = substitute(substitute(graph, found.replaced), adjoints.replaced)
        return self._function("gauss_newton", Dce().run(graph), tuple(dots.items()), [n for n, _ in outputs])

    def _residuals(self, graph: Graph, wrt: Sequence[Node]) -> list[tuple[Node, Node | None]]:
        """What is squared, and the weights of the squares in the target (None: half of its square)."""
        target = graph.output(self.target)
        if not self.program.scalar_target:
            return [(target, None)]
        found = squares_of(target, wrt)
        if isinstance(found, Node):
            place = graph.origins.get(found, ())
            where = f", see line {place[0].span.line}" if place else ""
            raise CannotEmit(
                f"gauss_newton: {self.target} is not a sum of squares{where}; "
                "differentiate the residuals instead (`grad r wrt …`), or take hvp"
            )
        weights = gradients(target, [s for s, _ in found], None, graph, self.options)
        return [(residual, weights.of(square)) for square, residual in found]

    # --- matrices --------------------------------------------------------------------------------

    def jacobian(self) -> Requested:
        """Forward mode, a direction for each element; reverse mode where the target is smaller."""
        if self.program.scalar_target:
            joint = self.joint()
            graph = replace(joint, outputs=joint.outputs[1:])
        else:
            graph = self._by_rows() if self._is_wide() else self._by_columns()
        names = [f"J_{name}" for name in self.wrt]
        outputs = tuple((name, node) for name, (_, node) in zip(names, graph.outputs))
        graph = _with_names(replace(graph, outputs=((self.target, self.value()), *outputs)), outputs)
        return self._function("value_and_jacobian", graph, (), (self.target, *names))

    def _is_wide(self) -> bool:
        """Whether the target has no more elements than the wrt values, whatever the dims are."""
        columns = Dim.of(0)
        for name in self.wrt:
            columns = columns + size_of(self.node(name).shape)
        return (columns - size_of(self.value().shape) - 1).is_natural

    def _by_rows(self) -> Graph:
        """All rows by reverse mode."""
        value = self.value()
        seed = argument(Fresh(names_in(self.prepared))(f"d_{self.target}"), value.type)
        alone = Dce().run(replace(self.prepared, outputs=((self.target, value),)))
        joint = differentiate(alone, self.target, self.wrt, seed, self.ranges, optimise=self.optimise)
        graph = Dce().run(replace(joint, outputs=joint.outputs[1:]))
        count = size_of(value.shape)
        stacked = over_directions(graph, {seed: _units(count, Dim.of(0), value.type, count)}, count)
        outputs = [
            (name, ops.reshape(node, shape=(*value.shape, *self.node(name).shape)))
            for name, (_, node) in zip(self.wrt, stacked.outputs)
        ]
        return replace(stacked, outputs=tuple(outputs))

    def _by_columns(self) -> Graph:
        """A wrt value after the other by forward mode."""
        value = self.value()
        graph = Dce().run(replace(self.prepared, outputs=((self.target, value),)))
        outputs = []
        for name in self.wrt:
            if self._is_written_out(graph, name):
                graph, columns = self._written_out(graph, name)
                J = columns[0] if not self.node(name).rank else ops.stack(*columns, axis=value.rank)
                J = ops.reshape(J, shape=(*value.shape, *self.node(name).shape))
            else:
                graph, J = self._stacked(graph, name)
            outputs.append((name, J))
        return replace(graph, outputs=tuple(outputs))

    def _is_written_out(self, graph: Graph, name: str) -> bool:
        """Whether the directions of a wrt value are few, and better one by one."""
        node = self.node(name)
        if not node.rank:
            return not any(n.type.kind == TUPLE for n in graph.nodes()) or len(self.wrt) == 1
        return self._is_bundle(graph, node)

    def _is_bundle(self, graph: Graph, node: Node) -> bool:
        """Whether an array is no more than a few scalars, each read by its constant position."""
        known = size_of(node.shape).known
        if self.level == 0 or known is None or known > UNROLLED:
            return False
        readers = [n for n in graph.nodes() if node in n.args]
        return all(n.op is ops.getitem and not n.rank for n in readers)

    def _written_out(self, graph: Graph, name: str) -> tuple[Graph, list[Node]]:
        """The tangents along each direction of a wrt value."""
        columns = []
        for direction in _directions(self.node(name).type):
            graph = self._with_tangent(graph, {name: direction})
            columns.append(graph.outputs[-1][1])
            graph = replace(graph, outputs=graph.outputs[:-1] + ((f"{name}_{len(columns)}", columns[-1]),))
        # A loop that carries one tangent more takes the place of the one before.
        kept = [node for _, node in graph.outputs[len(graph.outputs) - len(columns) :]]
        return graph, kept

    def _with_tangent(self, graph: Graph, seeds: Mapping[str, Node]) -> Graph:
        return pushed_forward(graph, [self.target], seeds, self.options)

    def _stacked(self, graph: Graph, name: str) -> tuple[Graph, Node]:
        """The tangents along all directions of a wrt value, as the last axes."""
        node, value = self.node(name), self.value()
        dot = argument(Fresh(names_in(graph))(f"{name}_dot"), node.type)
        joint = self._with_tangent(
            Dce().run(replace(graph, outputs=((self.target, graph.output(self.target)),))), {name: dot}
        )
        alone = Dce().run(replace(joint, outputs=joint.outputs[-1:]))
        count = size_of(node.shape)
        stacked = over_directions(alone, {dot: _units(count, Dim.of(0), node.type, count)}, count)
        ((_, rows),) = stacked.outputs
        axes = (*range(1, rows.rank), 0)
        J = ops.reshape(ops.transpose(rows, axes=axes), shape=(*value.shape, *node.shape))
        merged = replace(
            graph,
            names={**stacked.names, **graph.names},
            origins={**stacked.origins, **graph.origins},
        )
        return merged, J

    def hessian(self) -> Requested:
        graph = self._hessian()
        return self._function("hessian", graph, (), ("hess",))

    def _hessian(self) -> Graph:
        gradient = self.gradient()
        total = Dim.of(0)
        for name in self.wrt:
            total = total + size_of(self.node(name).shape)
        loops = any(n.type.kind == TUPLE for n in gradient.nodes())
        scalars = all(
            not self.node(name).rank or self._is_bundle(gradient, self.node(name)) for name in self.wrt
        )
        if total.known is not None and total.known <= UNROLLED and scalars and not loops:
            return self._hessian_written_out(gradient)
        dots = self.vectors("v_{}")
        graph = self._along(dots)
        stacks, start = {}, Dim.of(0)
        for dot in dots.values():
            size = size_of(dot.shape)
            stacks[dot] = _units(total, start, dot.type, size)
            start = start + size
        stacked = over_directions(graph, stacks, total)
        blocks = [
            ops.reshape(node, shape=(total, size_of(self.node(name).shape)))
            for name, (_, node) in zip(self.wrt, stacked.outputs)
        ]
        H = blocks[0] if len(blocks) == 1 else ops.concatenate(*blocks, axis=1)
        return replace(stacked, outputs=(("hess", H),))

    def _hessian_written_out(self, gradient: Graph) -> Graph:
        """Each element by itself; those above the diagonal are those below it."""
        names = [name for name, _ in gradient.outputs]
        graph, rows = gradient, []
        for name in self.wrt:
            for direction in _directions(self.node(name).type):
                graph = pushed_forward(graph, names, {name: direction}, self.options)
                dots = graph.outputs[len(graph.outputs) - len(names) :]
                rows.append([part for _, dot in dots for part in _elements(dot)])
                graph = replace(graph, outputs=graph.outputs[: -len(names)])
        n = len(rows)
        full = [ops.stack(*(rows[max(i, j)][min(i, j)] for j in range(n)), axis=0) for i in range(n)]
        return Dce().run(replace(graph, outputs=(("hess", ops.stack(*full, axis=0)),)))

    def _function(
        self, name: str, graph: Graph, vectors: Iterable[tuple[str, Node]], results: Sequence[str]
    ) -> Requested:
        """A function with further arguments, each shaped like a wrt value."""
        shaped = tuple((str(node["name"]), like) for like, node in vectors)
        first = dict(graph.outputs)
        return Requested(name, replace(graph, outputs=tuple((r, first[r]) for r in results)), shaped)


def _with_names(graph: Graph, outputs: Iterable[tuple[str, Node]]) -> Graph:
    """The graph whose outputs are named as such."""
    own = {node: name for name, node in outputs if node.op.name != "argument"}
    names = {**own, **{node: name for node, name in graph.names.items() if node not in own}}
    return Dce().run(replace(graph, names=names))


def _units(count: Dim, start: Dim, type: Type, size: Dim) -> Node:
    """Unit vectors of a space of `count` dims, the part from `start` on of each, in the shape of a value."""
    columns = ops.eye(n=count, m=count, k=0)
    if size != count:
        index = (("slice", Dim.of(0), count, 1), ("slice", start, size, 1))
        columns = ops.getitem(columns, index=index)
    return ops.reshape(columns, shape=(count, *type.shape))


def _directions(type: Type) -> list[Node]:
    """The unit vectors of a value of known size."""
    if not type.rank:
        return [const(1.0)]
    shape = tuple(int(d.known or 0) for d in type.shape)
    size = int(np.prod(shape))
    return [const(row.reshape(shape)) for row in np.eye(size)]


def _elements(node: Node) -> list[Node]:
    if not node.rank:
        return [node]
    shape = tuple(int(d.known or 0) for d in node.shape)
    return [ops.getitem(node, index=tuple(("at", Dim.of(i)) for i in place)) for place in np.ndindex(*shape)]
