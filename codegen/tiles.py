"""Tiles as calls of a function that computes one.

    L, d_x = tiled(x; body: x_tile -> (the sum over the tile, the tile's rows of d_x))

becomes

    L = 0.0
    d_x = np.empty(N)
    for tile in _tiles(N, 2):
        L += _on_tile(x[tile], d_x[tile])

and a function that is written as any other is. It writes rows into the parts of arrays that it is given, adds
to the sums that are arrays, and returns its parts of those that are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import Type

from .blocks import Block, Statement
from .names import Scope
from .pytext import ATOM, Expr, tuple_of
from .schedule import Group, Step
from .telling import result_name

if TYPE_CHECKING:
    from .control import StructuredBody

NO_LINE = Group(False, 0)
IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass
class TileFunction:
    """A function that is still to be written: its name, the node that it is for and the graph around that.

    `given` are the parameters of what it is given, `arrays` those of the arrays that it writes into, by
    positions of results; `numbers` are the sums that it returns, `sizes` dims that its arrays don't tell.
    """

    name: str
    tiled: Node
    around: Graph
    scope: Scope
    given: dict[Node, str] = field(default_factory=dict)
    arrays: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)
    sizes: list[str] = field(default_factory=list)

    @property
    def body(self) -> Graph:
        found: Graph = self.tiled["body"]
        return found

    @property
    def rows(self) -> dict[int, str]:
        """The arrays that rows of are written."""
        return {p: name for p, name in self.arrays.items() if self.tiled["rows"][p] is not None}

    @property
    def sums(self) -> dict[int, str]:
        """The arrays that are added to."""
        return {p: name for p, name in self.arrays.items() if self.tiled["rows"][p] is None}

    def own(self, name: str) -> str:
        """A parameter of this name, or of one like it where that is taken."""
        if name in self.scope.taken:
            return self.scope.fresh(name)
        self.scope.taken.add(name)
        return name


def write_tiled(outer: StructuredBody, step: Step) -> None:
    """Write the loop over tiles, and give its results their names."""
    _TileWriter(outer, step).write()


class _TileWriter:
    """One loop under way: `lines` are what stands before it, `after` what stands behind it."""

    def __init__(self, outer: StructuredBody, step: Step):
        self.outer, self.tiled, self.group = outer, step.node, step.group
        context = outer.context
        count = len(context.tiles)
        scope = context.names.scope([context.local(str(TILE))])
        name = f"_on_tile_{count + 1}" if count else "_on_tile"
        self.function = TileFunction(name, step.node, outer.graph, scope)
        context.tiles.append(self.function)
        self.tile = outer.scope.fresh("tile")
        self.lines: list[str] = []
        self.after: list[str] = []

    def write(self) -> None:
        outer, tiled, body = self.outer, self.tiled, self.function.body
        for arg in dict.fromkeys(tiled.args):
            if arg in outer.pending:
                outer.settle(arg)
        passed = list(map(self._given, body.inputs, tiled.args, tiled["axes"]))
        for position, nodes in outer.items_of(tiled).items():
            passed += self._result(position, nodes)
        passed += self._sizes()
        outer.has_read(tiled)
        call = f"{outer.context.ref(self.function.name)}({', '.join(passed)})"
        length, width = outer.dim(tiled["length"]), outer.dim(tiled["width"])
        head = f"for {self.tile} in {outer.context.ref('_tiles')}({length}, {width}):"
        inside = Statement(NO_LINE, tuple(self._called(call)), tiled, "")
        outer.append(Statement(NO_LINE, tuple(self.lines), tiled, "", (Block(head, (inside,)),)))
        if self.after:
            outer.append(Statement(NO_LINE, tuple(self.after), tiled, ""))

    def _given(self, inside: Node, argument: Node, axis: int | None) -> str:
        """The text of an operand in the call; its parameter has the name that it has here."""
        text = self.outer.text(argument)
        first = IDENTIFIER.match(text.text)
        name = (
            f"{first[0]}_T" if first and text.text.endswith(".T") else first[0] if first else inside["name"]
        )
        self.function.given[inside] = self.function.own(name)
        return str(text) if axis is None else f"{text.within(ATOM)}[{_at(axis, self.tile)}]"

    def _result(self, position: int, nodes: list[Node]) -> Iterator[str]:
        """Make a result's variable before the first tile; its text in the call, if it is an array."""
        outer, function = self.outer, self.function
        type_, axis = nodes[0].type, self.tiled["rows"][position]
        name = outer.result_name(nodes, result_name(nodes[0]))
        for node in nodes:
            outer.give(self.group, node, Expr(name))
        if not type_.rank:
            function.numbers[position] = name
            self.lines.append(f"{name} = {'0.0' if type_.kind == 'real' else '0'}")
        else:
            function.arrays[position] = function.own(name)
            self.lines.append(f"{name} = {self._array(type_, axis is None)}")
            yield name if axis is None else f"{name}[{_at(axis, self.tile)}]"
            if axis is None and self._is_doubled(type_):
                self.after.append(f"{name} = {name}.astype({outer.context.ref('np')}.float32)")

    def _array(self, type_: Type, is_sum: bool) -> str:
        """A new array for rows, or zeros; many parts are added up in double precision."""
        outer = self.outer
        sizes = [str(outer.dim(d)) for d in type_.shape]
        size = sizes[0] if len(sizes) == 1 else str(tuple_of(sizes))
        if not is_sum:
            return outer.empty(size, outer.context.numpy_type(type_))
        dtype = "np.float64" if self._is_doubled(type_) else outer.context.numpy_type(type_)
        return outer.empty(size, dtype).replace(".empty", ".zeros", 1)

    def _is_doubled(self, type_: Type) -> bool:
        return type_.kind == "real" and self.outer.context.dtype == "float32"

    def _sizes(self) -> Iterator[str]:
        """The sizes that the function needs and can't read from its arrays."""
        outer, body = self.outer, self.function.body
        known = {str(dim) for node in body.inputs for dim in node.shape}
        inner = type(outer)(outer.context, body, outer.context.names.scope(), {})
        for size in inner.mentioned_dims():
            if size not in known:
                self.function.sizes.append(size)
                yield outer.dim_name(size)

    def _called(self, call: str) -> Iterator[str]:
        """The call, and the sums of what it returns."""
        numbers = list(self.function.numbers.values())
        if len(numbers) == 1:
            yield f"{numbers[0]} += {call}"
            return
        parts = [self.outer.scope.fresh(f"{name}_part") for name in numbers]
        yield f"{', '.join(parts)} = {call}" if parts else call
        for name, part in zip(numbers, parts):
            yield f"{name} += {part}"


def _at(axis: int, tile: str) -> str:
    """The subscript of a tile."""
    return ", ".join([*[":"] * axis, tile])
