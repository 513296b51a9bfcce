"""What the front end hands to the passes and the emitter: a checked model as a graph and its interface.

The model

    dim N
    input x: real[N]
    param w: real > 0 = 1.0
    loss L = sum((w * x)**2)

is a Program with the run-time dim N, the arguments x and w, a graph with the output L, the target L and
the wrt name w.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, nextafter
from typing import Literal as Choice

import numpy as np
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Source, Span

from .ir import Array, Graph, Interval, Scalar
from .types import Dim, Shape, Type


@record(frozen=True)
class Bound:
    """`> 0`: an operator among `> >= < <=` and a number."""

    op: str
    value: float


@record(frozen=True)
class Initialiser:
    """How `init_params` starts a param.

    `kind` is `zeros ones full uniform normal xavier kaiming orthogonal` with the numbers that the model
    gave, or `value` with an array (or number) of the param's shape. `convolves` tells the weights
    of a convolution, real[outputs, inputs, *kernel], which start as such.
    """

    kind: str
    numbers: tuple[float, ...] = ()
    value: Array | Scalar | None = None
    convolves: bool = False


@record(frozen=True, eq=False)
class Argument:
    """An input or a param: its declared type, its constraints, its place."""

    name: str
    role: Choice["input", "param"]
    type: Type
    span: Span
    bounds: tuple[Bound, ...] = ()
    range: tuple[Dim, Dim] | None = None  # `in range(a, b)`: a <= value < b
    init: Initialiser | None = None  # of a param, always
    declared: tuple[str, ...] = ()  # the dims as written (`K` where the type has 10), for messages

    @property
    def interval(self) -> Interval:
        """The closed interval that the constraints leave."""
        low = max((b.value for b in self.bounds if b.op[0] == ">"), default=float("-inf"))
        high = min((b.value for b in self.bounds if b.op[0] == "<"), default=float("inf"))
        return low, high

    @property
    def attained(self) -> Interval:
        """The closed interval of the doubles that the constraints allow: `> 0` begins with the smallest."""
        low = [nextafter(b.value, inf) if b.op == ">" else b.value for b in self.bounds if b.op[0] == ">"]
        high = [nextafter(b.value, -inf) if b.op == "<" else b.value for b in self.bounds if b.op[0] == "<"]
        return max(low, default=-inf), min(high, default=inf)


@record(frozen=True)
class Binding:
    """A run-time dim is (size of the argument's axis - offset) / factor, which must come out whole."""

    dim: str
    argument: str
    axis: int
    factor: int = 1
    offset: int = 0


@record(frozen=True)
class Requirement:
    """What an expression assumes of the dims: `slack` must not be negative at run time.

    `x[1:]` has N - 1 elements, so N - 1 is its slack; where 2 must divide E, -(E % 2) is. `text` is the
    expression as written.
    """

    slack: Dim
    text: str
    line: int

    @property
    def condition(self) -> str:
        """What is needed, in words: `N - 1 >= 0`, `E%2 == 0`."""
        remainder = -self.slack
        return f"{remainder} == 0" if remainder.is_remainder else f"{self.slack} >= 0"


@record(frozen=True)
class Draw:
    """A mask of random truths that dropout keeps elements by: `rng.random(shape) >= rate`.

    It is an argument of the graphs, but not of the functions: these draw it from the generator that they get.
    """

    name: str
    shape: Shape
    rate: float

    def sample(self, generator: np.random.Generator, sizes: Mapping[str, int]) -> Array:
        """The mask as emitted code draws it."""
        shape = tuple(dim.evaluate(sizes) for dim in self.shape)
        return np.asarray(generator.random(shape) >= self.rate)


@record(frozen=True, eq=False)
class Program:
    """A checked model.

    `arguments` are in call order: inputs as declared, then params as declared. `graph` is the primal: its
    inputs are the arguments and then the `draws`, its outputs are `outputs` as declared and the loss.
    `target` is what is differentiated and `wrt` by what (argument names, as written); both empty where there
    is nothing to differentiate. `bindings` says where each run-time dim gets its size.
    """

    name: str
    source: Source
    doc: str  # the comment at the head of the file, without `#`
    dims: tuple[str, ...]
    constants: Mapping[str, int]
    arguments: tuple[Argument, ...]
    graph: Graph
    outputs: tuple[str, ...]  # fields of Outputs, in declaration order, the loss among them
    loss: str | None
    target: str | None
    wrt: tuple[str, ...]
    bindings: tuple[Binding, ...]
    requirements: tuple[Requirement, ...] = ()
    imports: tuple[Source, ...] = ()  # the files that the model imports, at once or through others
    draws: tuple[Draw, ...] = ()  # in the order in which they are drawn

    @property
    def params(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if a.role == "param")

    @property
    def inputs(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if a.role == "input")

    @property
    def scalar_target(self) -> bool:
        """Whether the target is a scalar, so that `value_and_grad` exists."""
        return self.target is not None and self.graph.output(self.target).rank == 0


class CannotEmit(ValueError):
    """A function was asked for that makes no sense for the model."""


@record(frozen=True, eq=False)
class Requested:
    """A function that the module has on request, as a graph.

    `vectors` are the arguments that it takes after the model's: their names, and those of the wrt values
    whose shapes they have.
    """

    name: str
    graph: Graph
    vectors: tuple[tuple[str, str], ...] = ()


@record(frozen=True, eq=False)
class Sparse:
    """What the functions of a sparse Jacobian or Hessian are made of.

    `pattern` gives for each wrt value (an output for each) the indices of its elements that each element of
    the target depends on, -1 for none; for a Hessian `rows` and `cols`. `product` is multiplied by a stack
    of directions, one for each colour of the columns, the rows or (a Hessian's star colouring) both.
    `serves_dense`: the dense Jacobian is made of it too.
    """

    name: Choice["jacobian", "hessian"]
    pattern: Graph
    product: Requested
    by: Choice["columns", "rows", "star"]
    serves_dense: bool = False


@record(frozen=True, eq=False)
class Derivative:
    """The optimised graphs that the emitter writes.

    value_and_grad  outputs: the target, then `d_<wrt>` for each wrt name; seed 1; None where the target is
                    not a scalar
    forward         outputs: those of the program, then what the backward pass needs (`saved`)
    backward        outputs: `d_<wrt>`; its inputs are the saved nodes as arguments, and the seed `d_<target>`
    predict         outputs: those of the program but the loss (empty: None)
    saved           names of the cache's fields, in the order of `forward`'s extra outputs; arguments that
                    backward needs are among them under their own names
    sparse          the graphs of sparse Jacobians and Hessians
    requested       the graphs of the functions on request; `vjp` is made of forward and backward
    """

    value_and_grad: Graph | None
    forward: Graph
    backward: Graph | None
    predict: Graph | None
    saved: tuple[str, ...]
    requested: tuple[Requested, ...] = ()
    sparse: tuple[Sparse, ...] = ()
    emit: tuple[str, ...] = ()  # the functions that were asked for
    model: Graph | None = None  # what was differentiated, each step with a name (-O0)

    def mapped(self, change: Callable[[Graph], Graph]) -> Derivative:
        """The same with every graph changed."""
        return replace(
            self,
            value_and_grad=self.value_and_grad and change(self.value_and_grad),
            forward=change(self.forward),
            backward=self.backward and change(self.backward),
            predict=self.predict and change(self.predict),
            requested=tuple(replace(r, graph=change(r.graph)) for r in self.requested),
            sparse=tuple(
                replace(
                    s, pattern=change(s.pattern), product=replace(s.product, graph=change(s.product.graph))
                )
                for s in self.sparse
            ),
        )
