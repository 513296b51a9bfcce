"""Neighbouring parts of an array, through the same op, are computed together.

    sigmoid(z[:, :H]), sigmoid(z[:, H:2*H])      s = sigmoid(z[:, :2*H]);  s[:, :H], s[:, H:2*H]
    y * W[0], y * W[2]                           p = y * W[0:4:2];  p[0], p[1]

A call of NumPy's costs as much as a thousand numbers. Parts are slices that follow one another, or elements
at equal distances; what else an op takes is the same for all of them, and broadcasts. What was computed
together goes on as one array as long as its parts meet the same ops. (Larsen and Amarasinghe: Exploiting
superword level parallelism with multimedia instruction sets, 2000.)

The parts are views of the whole. Where they don't lie in one piece, only an elementary function is dear
enough to make up for that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, attr_key
from ..ops.indexing import whole
from ..types import TUPLE, Dim, size_of
from .bodies import settling
from .saving import CHEAP, EXACT

FEW = 32  # numbers that may become floats, one by one


@dataclass(eq=False)
class Together:
    """Parts that are computed as one array: from `first` on, so many, at distances of `step`.

    `tail` is how many axes follow theirs; elements (not slices) have no axis there.
    """

    members: list[Node]
    parts: list[Part]
    joined: Node | None = None

    @property
    def first(self) -> Part:
        return self.parts[0]

    @property
    def step(self) -> int:
        """The distance of elements."""
        a, b = (part.start.known for part in self.parts[:2])
        return b - a if self.first.length is None and a is not None and b is not None else 1

    @property
    def count(self) -> Dim:
        lengths = [part.length for part in self.parts if part.length is not None]
        return sum(lengths[1:], lengths[0]) if lengths else Dim.of(len(self.parts))


@record(frozen=True)
class Part:
    """A part of an array, or of what was computed of one: `of` is the same for neighbours.

    An element has no length.
    """

    of: Hashable
    start: Dim
    length: Dim | None
    tail: int
    together: Together | None = None


@record(frozen=True)
class Siblings:
    name: str = "siblings"

    def run(self, graph: Graph) -> Graph:
        return graph if graph.on_numbers else _Run(graph, self._in_body).result()

    def _in_body(self, body: Graph) -> Graph:
        return settling(body, self.name, self.run)


class _Run:
    """One graph under way; `images` are the new nodes."""

    def __init__(self, graph: Graph, in_body: Callable[[Graph], Graph]):
        self.graph, self.in_body = graph, in_body
        self.parts: dict[Node, Part] = {}
        self.places: dict[Node, tuple[Together, int]] = {}
        self.images: dict[Node, Node] = {}

    def result(self) -> Graph:
        has_bodies = any(node.type.kind == TUPLE for node in self.graph.nodes())
        self._find()
        return self.graph.rewrite(self._step) if self.places or has_bodies else self.graph

    # --- who belongs together -----------------------------------------------------------------------

    def _find(self) -> None:
        """Find what can be computed together, from the arrays on, op by op."""
        for node in self.graph.nodes():
            part = part_read(node)
            if part is not None:
                self.parts[node] = part
        for wave in self._waves() if self.parts else ():
            found: dict[Hashable, dict[Node, Part]] = {}
            for node in wave:
                part = self._part_computed(node)
                if part is not None:
                    found.setdefault(part.of, {})[node] = part
            for parts in found.values():
                for members in neighbours(parts):
                    self._join(members, [parts[node] for node in members])

    def _waves(self) -> list[list[Node]]:
        """The elementwise ops on parts, those on others of them later."""
        depth = dict.fromkeys(self.parts, 0)
        waves: list[list[Node]] = []
        for node in self.graph.nodes():
            deepest = max((depth[arg] for arg in node.args if arg in depth), default=-1)
            if deepest < 0 or node in depth or not node.op.elementwise or not node.rank:
                continue
            depth[node] = deepest + 1
            if deepest == len(waves):
                waves.append([])
            waves[deepest].append(node)
        return waves

    def _part_computed(self, node: Node) -> Part | None:
        """What part an op on parts computes, if all else that it takes broadcasts along them."""
        parts = [self.parts.get(arg) for arg in node.args]
        own = [part for part in parts if part is not None]
        if not own or any(_place(part) != _place(own[0]) for part in own):
            return None
        size = size_of(node.shape).known
        if size is not None and size < FEW:
            return None
        tail = own[0].tail
        others = [arg for arg, part in zip(node.args, parts) if part is None]
        if any(_reaches(arg, tail, own[0].length) for arg in others):
            return None
        args = tuple(part.of if part else ("same", id(arg)) for arg, part in zip(node.args, parts))
        return Part((node.op.name, args, attr_key(node.attrs)), own[0].start, own[0].length, tail)

    def _join(self, members: list[Node], parts: list[Part]) -> None:
        together = Together(members, parts)
        if not self._pays(together):
            return
        for number, (node, part) in enumerate(zip(members, parts)):
            self.places[node] = together, number
            self.parts[node] = Part(together, part.start, part.length, part.tail, together)

    def _pays(self, together: Together) -> bool:
        first = together.members[0]
        axes_before = first.rank - together.first.tail - (together.first.length is not None)
        if not axes_before:
            return True  # parts that lie in one piece
        if together.first.length is None:
            return False
        args = [part for arg in first.args if (part := self.parts.get(arg)) is not None]
        known = [part.together for part in args]
        return first.op.name not in EXACT | CHEAP or all(t and t.count == together.count for t in known)

    # --- what is computed ---------------------------------------------------------------------------

    def _step(self, node: Node, args: tuple[Node, ...]) -> Node:
        image = node.with_args(args).map_subgraphs(self.in_body)
        if node in self.places:
            together, number = self.places[node]
            if together.joined is None:
                together.joined = self._joined(node, together)
            image = _picked(together.joined, together, together.parts[number])
        self.images[node] = image
        return image

    def _joined(self, node: Node, together: Together) -> Node:
        """The op on all parts at once."""
        args = [
            self._whole(arg, self.parts[arg], together) if arg in self.parts else self.images[arg]
            for arg in node.args
        ]
        return node.op(*args, **dict(node.attrs))

    def _whole(self, arg: Node, part: Part, together: Together) -> Node:
        """What an op takes for all parts, of which `arg` is what it takes for one."""
        if part.together is not None and part.together.joined is not None:
            return _run_of(part.together.joined, part.together, together)
        index = list(arg["index"])
        axis = axis_read(arg)
        assert axis is not None
        index[axis] = ("slice", together.first.start, together.count, together.step)
        base, *arrays = (self.images[inner] for inner in arg.args)
        return arg.op(base, *arrays, index=tuple(index))


def part_read(node: Node) -> Part | None:
    """What part of an array is read."""
    axis = axis_read(node)
    if axis is None:
        return None
    index = list(node["index"])
    item, index[axis] = index[axis], ()
    tail = sum(other[0] == "slice" for other in index[axis + 1 :])
    of = (node.op.name, tuple(map(id, node.args)), attr_key(tuple(index)), axis, item[0])
    return Part(of, item[1], item[2] if item[0] == "slice" else None, tail)


def axis_read(node: Node) -> int | None:
    """The axis of an array along which a part of it is read, in one piece or at one position."""
    if node.op not in (ops.getitem, ops.gather) or not node.rank or any(a.rank for a in node.args[1:]):
        return None
    index = node["index"]
    if any(item[0] == "new" for item in index):
        return None
    sizes = node.args[0].shape
    slices = [i for i, item in enumerate(index) if item[0] == "slice" and item != whole(sizes[i])]
    if slices:
        (_, _, length, step) = index[slices[0]]
        return slices[0] if len(slices) == 1 and step == 1 and length.known != 0 else None
    elements = [i for i, item in enumerate(index) if item[0] == "at"]
    return elements[0] if len(elements) == 1 and index[elements[0]][1].known is not None else None


def _place(part: Part) -> Hashable:
    return part.start, part.length, part.tail


def _reaches(arg: Node, tail: int, length: Dim | None) -> bool:
    """Whether an argument has elements of its own for the elements of a part, or is of a higher rank."""
    if length is None:
        return arg.rank > tail
    return arg.rank > tail and arg.shape[arg.rank - 1 - tail] != Dim.of(1)


def neighbours(parts: dict[Node, Part]) -> Iterator[list[Node]]:
    """Those among parts of one array that follow one another; two at least."""
    if next(iter(parts.values())).length is None:
        yield from _at_distances(parts)
        return
    begins = {part.start: node for node, part in parts.items()}
    inner = {part.start + part.length for part in parts.values() if part.length is not None}
    for start, node in begins.items():
        if start in inner:
            continue
        found = [node]
        while (after := begins.get(_end(parts[found[-1]]))) is not None:
            found.append(after)
        if len(found) > 1:
            yield found


def _end(part: Part) -> Dim:
    return part.start + (part.length if part.length is not None else 1)


def _at_distances(parts: dict[Node, Part]) -> Iterator[list[Node]]:
    """Runs of elements at equal distances."""
    by_position = {part.start.known or 0: node for node, part in parts.items()}
    run: list[int] = []
    for position in sorted(by_position):
        if len(run) > 1 and position - run[-1] != run[1] - run[0]:
            yield [by_position[p] for p in run]
            run = []
        run.append(position)
    if len(run) > 1:
        yield [by_position[p] for p in run]


def _picked(joined: Node, together: Together, part: Part) -> Node:
    """One part of what was computed together."""
    start = part.start - together.first.start
    if part.length is not None:
        return _read(joined, part.tail, ("slice", start, part.length, 1))
    return _read(joined, part.tail, ("at", Dim.of((start.known or 0) // together.step)))


def _run_of(joined: Node, inner: Together, outer: Together) -> Node:
    """As much of what was computed together as goes on together."""
    if inner.count == outer.count:
        return joined
    start = outer.first.start - inner.first.start
    if outer.first.length is not None:
        return _read(joined, outer.first.tail, ("slice", start, outer.count, 1))
    first, step = (start.known or 0) // inner.step, outer.step // inner.step
    return _read(joined, outer.first.tail, ("slice", Dim.of(first), outer.count, step))


def _read(array: Node, tail: int, item: tuple[object, ...]) -> Node:
    """A part of an array along the axis that so many follow."""
    index = [whole(dim) for dim in array.shape]
    index[array.rank - 1 - tail] = item
    return ops.getitem(array, index=tuple(index))
