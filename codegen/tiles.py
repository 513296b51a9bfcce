"""Tiles as calls of a function that computes one.

    L, d_x = tiled(x; body: x_tile -> (the sum over the tile, the tile's rows of d_x))

becomes

    d_x = np.empty(N)
    if 2 * N <= 524_288:
        L = _on_tile(x, d_x)
    else:
        L = sum(_on_tile(x[tile], d_x[tile]) for tile in _tiles(N, 2))

and a function that is written as any other is. It writes rows into the parts of arrays that it is given, adds
to arrays that are sums, and returns its parts of sums that are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import Dim, Shape, Type, size_of

from .blocks import Block, Statement
from .inplace import NAME
from .names import Scope
from .pool import use_buffers
from .pytext import ATOM, Expr, tuple_of
from .schedule import Group, Step
from .telling import result_name
from .tile_rows import added_into, written_into

if TYPE_CHECKING:
    from .control import StructuredBody

NO_LINE = Group(False, 0)
ONE_TILE = 2**19  # numbers that are not cut: the caches of most machines hold them
USUAL = 2**17  # numbers of a tile, as `_tiles` has it
IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass
class TileFunction:
    """A function that is still to be written: its name, the node that it is for and the graph around that.

    `given` are the parameters of what it is given. By positions of results, `arrays` are those of what it
    writes to, rows but where they are `added`, and `sums` the numbers that it returns its parts of. `sizes`
    are dims that its arrays don't tell, `written` are its statements.
    """

    name: str
    tiled: Node
    around: Graph
    scope: Scope
    given: dict[Node, str] = field(default_factory=dict)
    arrays: dict[int, str] = field(default_factory=dict)
    added: set[int] = field(default_factory=set)
    sums: dict[int, str] = field(default_factory=dict)
    sizes: list[str] = field(default_factory=list)
    written: StructuredBody | None = None

    @property
    def body(self) -> Graph:
        found: Graph = self.tiled["body"]
        return found

    def shapes(self) -> Iterator[tuple[str, Shape]]:
        """The arrays that it is given, those for results among them, and their shapes."""
        yield from ((name, node.shape) for node, name in self.given.items() if node.rank)
        yield from ((name, self.body.outputs[p][1].shape) for p, name in self.arrays.items())

    @property
    def rows(self) -> list[str]:
        """The arrays that it writes rows of."""
        return [name for position, name in self.arrays.items() if position not in self.added]

    def write(self, body: StructuredBody) -> None:
        """Write the statements: rows go where they belong, arrays are added to sums, numbers returned."""
        outputs = body.graph.outputs
        body.types.update({name: outputs[p][1].type for p, name in self.arrays.items()})
        places = {p: f"{name} +" if p in self.added else f"{name}[...] " for p, name in self.arrays.items()}
        kept = {p: f"{place}= {NAME}" for p, place in places.items()}
        body._output_names = {}
        body.is_sparing = body.is_tile = True
        body.write_nested(NO_LINE, {}, kept, self.sums)
        body.graph = replace(self.body, outputs=tuple(outputs[p] for p in self.sums))
        last = ", ".join(str(body.value(node)) for _, node in body.graph.outputs)
        body.statements = written_into(body.statements, self.rows, last, body.context.ref("np"))
        body.until_written = tuple(self._until_written())
        added = [self.arrays[position] for position in sorted(self.added)]
        body.statements = added_into(body.statements, added, last)
        sizes = [size for _, shape in self.shapes() for size in shape if len(size.terms) == 1]
        use_buffers(body, passed={*self.sizes, *(symbol for size in sizes for symbol in size.symbols)})
        self.written = body

    def _until_written(self) -> Iterator[str]:
        """The arrays that it may use as memory: with rows as the others in it, one piece a tile."""
        in_columns = any(node.op.name == "columns" for node in self.body.nodes())
        for position, name in self.arrays.items():
            rank = self.body.outputs[position][1].rank
            if self.tiled["rows"][position] == 0 and (rank == 1 or not in_columns):
                yield name

    def own(self, name: str) -> str:
        """A parameter of this name, or of one like it where that is taken."""
        if name in self.scope.taken:
            return self.scope.fresh(name)
        self.scope.taken.add(name)
        return name


def write_tiled(outer: StructuredBody, step: Step) -> None:
    """Write the loop over tiles, and give its results their names."""
    _TileWriter(outer, step).write()


@dataclass(frozen=True)
class Passed:
    """An argument of the call: its text, with `at` the subscript of a tile of it."""

    text: str
    at: str = ""

    @property
    def part(self) -> str:
        return f"{self.text}[{self.at}]" if self.at else self.text


class _TileWriter:
    """The calls under way; `lines` are what stands before them."""

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
        passed += map(Passed, self._sizes())
        passed += self._written()
        outer.has_read(tiled)
        outer.append(Statement(NO_LINE, tuple(self.lines), tiled, "", tuple(self._blocks(passed))))
        if self.after:
            outer.append(Statement(NO_LINE, tuple(self.after), tiled, ""))

    def _blocks(self, passed: Sequence[Passed]) -> Iterator[Block]:
        """One call where all rows are a tile, else one for each tile."""
        outer, tiled, sums = self.outer, self.tiled, list(self.function.sums.values())
        function = outer.context.ref(self.function.name)
        target = ", ".join(sums)
        whole = f"{function}({', '.join(p.text for p in passed)})"
        size = outer.dim(tiled["length"] * tiled["width"])
        head = f"if {size} <= {tiled.get('kept') or ONE_TILE:_}:"
        yield Block(head, (self._statement(f"{target} = {whole}" if sums else whole),))
        call = f"{function}({', '.join(p.part for p in passed)})"
        loop = f"for {self.tile} in {outer.context.ref('_tiles')}({', '.join(self._lengths())})"
        if sums:
            add = outer.context.ref("sum" if len(sums) == 1 else "_summed")
            yield Block("else:", (self._statement(f"{target} = {add}({call} {loop})"),))
        else:
            each = Block(f"{loop}:", (self._statement(call),))
            yield Block("else:", (Statement(NO_LINE, (), tiled, "", (each,)),))

    def _statement(self, line: str) -> Statement:
        return Statement(NO_LINE, (line,), self.tiled, "")

    def _lengths(self) -> Iterator[str]:
        """How many rows, how many numbers a row, and how many each tile adds to sums."""
        tiled, added = self.tiled, added_by(self.tiled)
        width = tiled["width"] * (USUAL // (tiled.get("kept") or USUAL))
        for size in (tiled["length"], width, *([added] if added.known != 0 else [])):
            yield str(self.outer.dim(size))

    def _given(self, inside: Node, argument: Node, axis: int | None) -> Passed:
        """An operand in the call; its parameter has the name that it has here."""
        text = self.outer.text(argument)
        first = IDENTIFIER.match(text.text)
        name = first[0] if first else inside["name"]
        self.function.given[inside] = self.function.own(f"{name}_T" if text.text.endswith(".T") else name)
        return Passed(text.text) if axis is None else Passed(text.within(ATOM), _at(axis, self.tile))

    def _result(self, position: int, nodes: list[Node]) -> Iterator[Passed]:
        """A result's variable; an array for rows is made before the calls and passed to them."""
        outer, function = self.outer, self.function
        type_, axis = nodes[0].type, self.tiled["rows"][position]
        name = outer.result_name(nodes, result_name(nodes[0]))
        for node in nodes:
            outer.give(self.group, node, Expr(name))
        if axis is None and not type_.rank:
            function.sums[position] = name
            return
        function.arrays[position] = function.own(name)
        sizes = [str(outer.dim(d)) for d in type_.shape]
        if axis is not None:
            size = sizes[0] if len(sizes) == 1 else str(tuple_of(sizes))
            self.lines.append(f"{name} = {outer.empty(size, outer.context.numpy_type(type_))}")
            yield Passed(name, _at(axis, self.tile))
        else:
            function.added.add(position)
            yield Passed(self._begin_sum(name, sizes, type_))

    def _begin_sum(self, name: str, sizes: list[str], type_: Type) -> str:
        """The array that tiles add to: one in double precision where the result is in single."""
        dtype, np = self.outer.context.numpy_type(type_), self.outer.context.ref("np")
        if dtype == "np.float32":
            total = self.outer.scope.fresh(f"{name}_sum")
            made = f'{self.outer.context.ref("_sum_in_double")}("{total}", {", ".join(sizes)})'
            self.lines.append(f"{total} = {made}")
            self.after.append(f"{name} = {total}.astype({np}.float32)")
            return total
        own = "" if dtype == "np.float64" else f", {np}{dtype[2:]}"
        shape = sizes[0] if len(sizes) == 1 else tuple_of(sizes)
        self.lines.append(f"{name} = {np}.zeros({shape}{own})")
        return name

    def _written(self) -> Iterator[Passed]:
        """Write the function's statements; it computes in the caller's workspace if there is one."""
        outer, function = self.outer, self.function
        given = {node: Expr(name) for node, name in function.given.items()}
        body = type(outer)(outer.context, function.body, function.scope, given)
        body.space = function.own(outer.space) if outer.space else ""
        function.write(body)
        if body.space and body.buffers:
            yield Passed(outer.space)

    def _sizes(self) -> Iterator[str]:
        """The sizes that the function needs and can't read from its arrays."""
        outer, function = self.outer, self.function
        known = {str(dim) for _, shape in function.shapes() for dim in shape}
        inner = type(outer)(outer.context, function.body, outer.context.names.scope(), {})
        shapes = (dim for node in function.body.nodes() for dim in node.shape)  # of buffers, maybe
        memory = (symbol for dim in shapes for symbol in sorted(dim.symbols))
        for size in dict.fromkeys((*inner.mentioned_dims(), *memory)):
            if size not in known:
                self.function.sizes.append(size)
                yield outer.dim_name(size)


def added_by(tiled: Node) -> Dim:
    """How many numbers a tile adds to sums that are arrays."""
    results = (node for (_, node), axis in zip(tiled["body"].outputs, tiled["rows"]) if axis is None)
    return sum((size_of(node.shape) for node in results if node.rank), Dim.of(0))


def _at(axis: int, tile: str) -> str:
    """The subscript of a tile."""
    return ", ".join([*[":"] * axis, tile])
