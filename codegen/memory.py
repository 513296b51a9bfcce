"""Which values share memory, and which updates may be written in place.

    hs_2 = set_at(hs, h, t)      ->      hs[t] = h         where nothing reads the old hs afterwards

Memory is called after the value that first holds it. An update in place must come after every other reader
of the old value and of its views: `before` has these for the schedule. Where that is impossible, where the
memory is someone else's, or where the old value lives on, the update makes a copy.

A body's input and the output that takes its place in the next step (a pair) are one memory if all that
happens to it are updates in place; whoever writes the loop then sees to it that the first step begins with
memory of the loop's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autodiffc.compiler.ir import Graph, Node
from autodiffc.grammar.records import record

from .structure import UPDATES, continued_stacks, keeps_references, passed_through

READ_ONLY = frozenset({"broadcast_to", "diagonal"})
GROWTH = frozenset({"add", "sub"})
LEAVES = frozenset({"argument", "const", "dim"})


def is_view(node: Node) -> bool:
    """Whether the emitted value may share memory with the first argument."""
    picks = node.op.name == "gather" and any(a.rank for a in node.args[1:])
    return bool(node.rank) and node.op.view and bool(node.args) and bool(node.args[0].rank) and not picks


@record(frozen=True)
class Update:
    """`node` may write into the memory of `target`; `result` is what holds it afterwards."""

    node: Node
    target: Node
    result: Node


class Memory:
    """The memory of one graph's values.

    `pairs` are the inputs of a body with the positions of the outputs that take their places, `lent` the
    positions of outputs that are kept as they are beyond the step, `copied` those of outputs that are copied
    as soon as they are there.
    """

    def __init__(
        self,
        graph: Graph,
        pairs: Mapping[Node, int] = {},
        lent: Iterable[int] = (),
        copied: Iterable[int] = (),
    ):
        self.graph = graph
        self.pairs = pairs
        self.lent = frozenset(lent)
        self.inner: dict[Node, tuple[Memory, ...]] = {}
        self.before: dict[Node, list[Node]] = {}
        self.in_place: set[Node] = set()  # updates, and results of loops and branches that are
        self.owned: set[Node] = set()  # inputs that are updated in place
        self._nodes: Sequence[Node] = () if graph.on_numbers else graph.nodes()
        self._outputs = [node for _, node in graph.outputs]
        self._kept = {node for p, node in enumerate(self._outputs) if p not in set(copied)}
        self._refused: set[Node] = set()
        self._together: dict[Node, set[int]] = {}
        while not self._settled():
            pass
        for argument, position in pairs.items():
            self._prefer_late(argument, self._outputs[position])

    def _settled(self) -> bool:
        """Whether all updates that were taken to be in place can be; those that cannot are remembered."""
        self._shared: dict[Node, frozenset[Node]] = {}
        self._updates: list[Update] = []
        self._first: dict[tuple[Node, int], Node] = {}
        self._later: dict[Node, list[Node]] = {}
        self.before = {}
        self.owned = set()
        self._trace()
        self._sharers = self._by_memory()
        refused = {update.result for update in self._updates if not self._decide(update)}
        self.in_place = {update.result for update in self._updates} - refused
        self._refused |= refused
        return not refused

    def of(self, node: Node) -> frozenset[Node]:
        """The values after which the node's memory is called."""
        return self._shared.get(node) or frozenset((node,))

    def is_own(self, node: Node) -> bool:
        """Whether a value is memory of its own, made here, and is written to nowhere else."""
        return self.of(node) == {node} and node.op.name not in LEAVES and node not in self.in_place

    def is_foreign(self, node: Node) -> bool:
        """Whether a value may be an argument's or a constant's memory, or can't be written to."""
        return any(t.op.name in LEAVES or _is_read_only(t) for t in self.of(node))

    # --- who shares with whom ----------------------------------------------------------------------

    def _trace(self) -> None:
        """The memory of each value, if every update that may be is in place."""
        for node in self._nodes:
            if is_view(node):
                own = (node,) if _is_read_only(node) else ()
                self._shared[node] = self.of(node.args[0]).union(own)
            elif node.op.name == "item" and node.rank:
                self._trace_item(node)
            elif node.op.name in ("loop", "branch"):
                self.inner.setdefault(node, tuple(inner_memories(node)))
            elif node.rank and node not in self._refused and self._may_update(node):
                target = self._target(node)
                self._shared[node] = self.of(target)
                self._updates.append(Update(node, target, node))

    def _may_update(self, node: Node) -> bool:
        if node.op.name in UPDATES:
            return True
        if node.op.name not in GROWTH:
            return False
        target = self._target(node)
        return target in self.pairs and self._outputs[self.pairs[target]] is node and target.type == node.type

    def _target(self, node: Node) -> Node:
        if node.op.name == "add" and node.args[0] not in self.pairs:
            return node.args[1]
        return node.args[0]

    def _trace_item(self, node: Node) -> None:
        whole, position = node.args[0], node["position"]
        if whole.op.name == "tiled":
            return  # arrays of its own
        if whole.op.name == "loop" and any(position in pair for pair in continued_stacks(whole)):
            self._shared[node] = frozenset((whole,))  # two stacks in one array
            return
        first = self._first.setdefault((whole, position), node)
        target = next((t for p, t in updated_by(whole, self.inner[whole]) if p == position), None)
        if target is not None and first not in self._refused:
            self._shared[node] = self.of(whole.args[target])
            if first is node:
                self._updates.append(Update(whole, whole.args[target], node))
        elif first is not node:
            self._shared[node] = self.of(first)
        else:
            joined = {whole} if position in self._joined(whole) else set()
            fixed = self._read_only(whole, position)
            self._shared[node] = frozenset({node}.union(joined, fixed, *self._passed(whole, position)))

    def _read_only(self, whole: Node, position: int) -> set[Node]:
        """What a result may be that a side or the last step leaves, and that can't be written to."""
        if whole.op.name == "loop" and position >= whole["carried"]:
            return set()
        found = ((memory, memory.graph.outputs[position][1]) for memory in self.inner[whole])
        return {t for memory, output in found for t in memory.of(output) if _is_read_only(t) or _is_table(t)}

    def _joined(self, whole: Node) -> set[int]:
        """The results of which another one holds the same memory, as a step, or a side, leaves it."""
        if whole not in self._together:
            found = self._together[whole] = set()
            for memory in self.inner[whole]:
                kept = sorted({*memory.pairs.values(), *memory.lent})
                shared = {p: memory.of(memory.graph.outputs[p][1]) for p in kept}
                holders = Counter(first for memories in shared.values() for first in memories)
                found |= {
                    p for p, memories in shared.items() if any(holders[first] > 1 for first in memories)
                }
        return self._together[whole]

    def _passed(self, whole: Node, position: int) -> Iterator[frozenset[Node]]:
        """The memory from outside that may come out of a loop or a branch at a position."""
        waiting, seen = [position], {position}
        while waiting:
            current = waiting.pop()
            if whole.op.name == "loop" and current < whole["carried"]:
                yield self.of(whole.args[current + 1])
            for memory in self.inner[whole]:
                if current not in memory.lent and current not in memory.pairs.values():
                    continue
                places = {n: p for p, n in enumerate(memory.graph.inputs, whole.op.name == "branch")}
                for shared in memory.of(memory.graph.outputs[current][1]):
                    place = places.get(shared)
                    if place is None:
                        continue
                    if whole.op.name == "branch" or place > whole["carried"]:
                        yield self.of(whole.args[place])
                    elif place - 1 not in seen:
                        seen.add(place - 1)
                        waiting.append(place - 1)

    # --- what may be in place ----------------------------------------------------------------------

    def _by_memory(self) -> dict[Node, list[Node]]:
        """For each memory the values that (may) hold it."""
        found: dict[Node, list[Node]] = {}
        for node, shared in self._shared.items():
            for first in shared:
                found.setdefault(first, [first]).append(node)
        return found

    def _decide(self, update: Update) -> bool:
        """Whether an update is in place; its place in the order is then fixed."""
        first = self._memory_of(update.target)
        if first is None or self._kept_elsewhere(update, first):
            return False
        after = self._reached(update.node)
        readers: dict[Node, None] = {}
        for holder in self._sharers.get(first, [first]):
            if holder is update.result or holder in after:
                continue
            if holder in self._kept:
                return False
            readers.update(dict.fromkeys(r for r in self.graph.users.get(holder, ()) if r is not update.node))
        if any(reader in after for reader in readers):
            return False
        for reader in readers:
            self._order(reader, update.node)
        if first in self.pairs:
            self.owned.add(first)
        return True

    def _memory_of(self, target: Node) -> Node | None:
        """The one memory that may be written to; None where there is none, or the target is but a view."""
        shared = self.of(target)
        if len(shared) != 1 or is_view(target):
            return None
        (first,) = shared
        return first if first in self.pairs or first.op.name not in LEAVES else None

    def _kept_elsewhere(self, update: Update, first: Node) -> bool:
        """Whether the memory is read beside the update, or goes on under another name."""
        positions = [i for i, a in enumerate(update.node.args) if first in self.of(a)]
        if update.node.op.name in ("loop", "branch", "add_at", "add", "sub") and len(positions) > 1:
            return True
        return first in self.pairs and not self._stays_own(first)

    def _stays_own(self, first: Node) -> bool:
        """Whether what takes an input's place is its memory, or other memory that nothing else keeps."""
        place = self.pairs[first]
        memory = self.of(self._outputs[place])
        if any(t is not first and (t.op.name in LEAVES or _is_read_only(t)) for t in memory):
            return False
        kept = {*self.pairs.values(), *self.lent} - {place}
        return not any((memory | {first}) & self.of(self._outputs[p]) for p in kept)

    def _reached(self, node: Node) -> set[Node]:
        """What can only be computed after a node."""
        found: set[Node] = set()
        stack = [node]
        while stack:
            current = stack.pop()
            for user in (*self.graph.users.get(current, ()), *self._later.get(current, ())):
                if user not in found:
                    found.add(user)
                    stack.append(user)
        return found

    def _order(self, first: Node, then: Node) -> None:
        self.before.setdefault(then, []).append(first)
        self._later.setdefault(first, []).append(then)

    def _prefer_late(self, argument: Node, output: Node) -> None:
        """Compute what takes an input's place after the input's other readers, where that can be."""
        if output is argument or output.op.name in LEAVES:
            return
        computed = output.args[0] if output.op.name == "item" else output
        after = self._reached(computed)
        for reader in dict.fromkeys(self.graph.users.get(argument, ())):
            if reader is not computed and reader not in after and computed not in self._later.get(reader, ()):
                self._order(reader, computed)


def _is_table(node: Node) -> bool:
    """Whether it is an array of the module's own."""
    return node.op.name == "const" and node.rank > 0


def _is_read_only(node: Node) -> bool:
    return node.op.name in READ_ONLY and bool(node.args[0].rank)


def inner_memories(node: Node) -> Iterator[Memory]:
    """The memory of a loop's body, or of both sides of a branch."""
    if node.op.name == "loop":
        body, carried = node["body"], node["carried"]
        pairs = {body.inputs[i + 1]: i for i in range(carried)}
        lent = [i for i in range(carried, len(body.outputs)) if keeps_references(node, i)]
        copied = set(range(carried, len(body.outputs))).difference(lent)
        yield Memory(body, pairs, lent, copied)
    else:
        for side in (node["then"], node["orelse"]):
            pairs = {side.inputs[t - 1]: p for p, t in passed_through(node)}
            yield Memory(side, pairs, range(len(side.outputs)))


def updated_by(whole: Node, inner: Iterable[Memory]) -> list[tuple[int, int]]:
    """The results that a loop or a branch makes of an argument by updates in place alone."""
    memories = list(inner)
    if whole.op.name == "loop":
        inputs = whole["body"].inputs
        return [(i, i + 1) for i in range(whole["carried"]) if inputs[i + 1] in memories[0].owned]
    found = []
    for position, target in passed_through(whole):
        arguments = [memory.graph.inputs[target - 1] for memory in memories]
        results = [memory.graph.outputs[position][1] for memory in memories]
        kept = all(m.of(r) == {a} for m, r, a in zip(memories, results, arguments))
        if kept and any(a in m.owned for m, a in zip(memories, arguments)):
            found.append((position, target))
    return found
