"""Loops that compute parts of rows get their matrices transposed: the parts lie in one piece.

    z = x[t] @ W + h @ U + b                  z = Wᵀ @ x[t]ᵀ + Uᵀ @ h + b[:, None]
    c = sigmoid(z[:, :H]) * c + …      ->     c = sigmoid(z[:H]) * c + …

with h and c transposed. NumPy goes through a part of rows row by row, which costs more than the arithmetic
where rows are short; of the transposed matrix the part is one piece of memory, in which its adjoint is made,
too. So the gates of a recurrent network are what one would write by hand, the batch last (Appleyard, Kocisky
and Blunsom: Optimizing performance of recurrent neural networks on GPUs, 2016).

It is all or nothing: a loop in which a matrix is used in a way that has no transposed form stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops import argument
from ..ops.control import is_local, items
from ..ops.indexing import whole
from ..ops.shape import swap_last
from ..types import TUPLE, Dim, size_of
from .batch import ALONG_AXIS, OVER_AXES
from .bodies import loops_replaced, settling
from .siblings import FEW
from .structured import Fresh, names_in

COPIES = frozenset({"stop_gradient", "detached", "zeros_like"})


@record(frozen=True)
class BatchLast:
    name: str = "batch_last"

    def run(self, graph: Graph) -> Graph:
        if ops.loop not in graph.ops:
            return graph
        names: dict[Node, str] = {}

        def values(node: Node) -> list[Node] | None:
            loop = _Loop(node)
            results = loop.results()
            names.update(loop.names)
            return results

        after = loops_replaced(graph, self._in_body, values)
        return after.told(names={**names, **after.names}) if names else after

    def _in_body(self, body: Graph) -> Graph:
        return settling(body, self.name, self.run)


class _Loop:
    """One loop under way.

    `plain` are the values of the body as they are, `turned` its matrices transposed; `given` is what the new
    body takes besides, by what it is made of; `views` are matrices of which only a transposed view is there.
    """

    def __init__(self, node: Node):
        self.node = node
        self.body: Graph = node["body"]
        self.carried: int = node["carried"]
        self.states = self.body.inputs[1 : self.carried + 1]
        self.fresh = Fresh(names_in(self.body))
        self.plain: dict[Node, Node] = {}
        self.turned: dict[Node, Node] = {}
        self.given: dict[tuple[Node, Dim], Node] = {}
        self.views: set[Node] = set()
        self.names: dict[Node, str] = {}  # of what is made before the loop

    def results(self) -> list[Node] | None:
        """The values of the loop's items; None where it stays as it is."""
        if not self._may_gain():
            return None
        self._read_inputs()
        for node in self.body.nodes():
            if node.op.name != "argument":
                self._compute(node)
        body = self._body()
        if body is None or not self._pays(body):
            return None
        count, *operands = self.node.args
        places = {node: place for place, node in enumerate(self.body.inputs[1:])}
        columns = [_columns(operands[places[vector]], size) for vector, size in self.given]
        self.names = {made: str(given["name"]) for made, given in zip(columns, self.given.values())}
        starts = [
            swap_last(o) if s in self.turned and s not in self.plain else o
            for s, o in zip(self.states, operands)
        ]
        attrs = {**dict(self.node.attrs), "body": body}
        loop = ops.loop(count, *starts, *operands[self.carried :], *columns, **attrs)
        outputs = [output for _, output in self.body.outputs]
        made = [swap_last(item) if self._turns(o) else item for item, o in zip(items(loop), outputs)]
        return [*made, ops.item(loop, position=len(outputs))]

    def _may_gain(self) -> bool:
        """Whether the loop carries matrices whose rows are cut."""
        node = self.node
        if node.get("condition") is not None or node.get("directions"):
            return False
        matrices = [state for state in self.states if state.rank == 2]
        sizes = [size_of(state.shape).known for state in matrices]
        if not matrices or any(is_local(dim) for state in matrices for dim in state.shape):
            return False
        few = all(size is not None and size < FEW for size in sizes)
        return not few and any(map(cuts_rows, self.body.nodes()))

    # --- the values of a step --------------------------------------------------------------------------

    def _read_inputs(self) -> None:
        for node in self.body.inputs:
            if node in self.states and (node.rank == 2 or self._is_filled(node)):
                swapped = node.type.with_shape((*node.shape[:-2], *node.shape[:-3:-1]))
                self.turned[node] = argument(str(node["name"]), swapped)
                continue
            self.plain[node] = node
            if node.rank == 2:
                self._view(node)

    def _is_filled(self, state: Node) -> bool:
        """Whether a carried stack of matrices is written and read a matrix at a time."""
        users = self.body.users.get(state, ())
        return (
            state.rank == 3 and bool(users) and all(user.args[0] is state and _of_row(user) for user in users)
        )

    def _turns(self, node: Node) -> bool:
        """Whether a value has its last two axes swapped in the new body."""
        return node.rank == 2 or (node in self.turned and node not in self.plain)

    def _view(self, node: Node) -> None:
        self.turned[node] = swap_last(self.plain[node])
        self.views.add(node)

    def _compute(self, node: Node) -> None:
        """Find the forms of a value that there are."""
        if all(arg in self.plain for arg in node.args):
            self.plain[node] = node.with_args(self.plain[arg] for arg in node.args)
        elif node.rank != 2 and (image := self._reduced(node)) is not None:
            self.plain[node] = image
        if node.args[0:1] and node.args[0].rank == 3 and node.args[0] in self.turned and _of_row(node):
            self._of_stack(node)
            return
        if node.rank != 2 or node.type.kind == TUPLE:
            return
        own = [arg for arg in node.args if arg.rank == 2]
        moved = bool(own) and self.views.issuperset(own) and node.op is not ops.matmul
        image = None if moved else self._transposed(node)
        if image is not None:
            self.turned[node] = image
        elif node in self.plain:
            self._view(node)

    def _of_stack(self, node: Node) -> None:
        """A matrix of a stack that is turned, read or written."""
        stack, *rest = node.args
        value = [self.turned.get(arg) for arg in rest[:1] if node.op is ops.set_at]
        positions = [self.plain.get(arg) for arg in rest[len(value) :]]
        args = [arg for arg in (*value, *positions) if arg is not None]
        if len(args) == len(rest):
            at, *axes = node["index"]
            attrs = {**dict(node.attrs), "index": (at, *axes[::-1])}
            self.turned[node] = node.op(self.turned[stack], *args, **attrs)

    def _reduced(self, node: Node) -> Node | None:
        """What is no matrix itself, of one that is transposed."""
        if node.op.name not in OVER_AXES or node.args[0].rank != 2 or node.args[0] not in self.turned:
            return None
        return self._over_axes(node)

    def _transposed(self, node: Node) -> Node | None:
        """The transposed form of a matrix, of those of its arguments."""
        args = [self.turned.get(arg) if arg.rank == 2 else self.plain.get(arg) for arg in node.args]
        known = [arg for arg in args if arg is not None]
        if len(known) < len(args):
            return None
        if node.op.elementwise:
            return node.op(*(self._operand(arg, node) for arg in node.args), **dict(node.attrs))
        if any(arg.rank != 2 for arg in node.args):
            return None
        if node.op is ops.matmul:
            return known[1] @ known[0]
        if node.op is ops.getitem and [item[0] for item in node["index"]] == ["slice", "slice"]:
            return ops.getitem(known[0], index=node["index"][::-1])
        if node.op is ops.concatenate:
            return ops.concatenate(*known, axis=1 - node["axis"])
        if node.op.name in OVER_AXES | ALONG_AXIS:
            return self._over_axes(node)
        return node.op(*known, **dict(node.attrs)) if node.op.name in COPIES else None

    def _over_axes(self, node: Node) -> Node | None:
        """What goes over an axis, or both."""
        axis = node["axis"]
        swapped = tuple(sorted(1 - a for a in axis)) if isinstance(axis, tuple) else 1 - axis
        rest = [self.plain.get(arg) for arg in node.args[1:]]
        if any(arg is None or arg.rank for arg in rest):
            return None
        others = [arg for arg in rest if arg is not None]
        return node.op(self.turned[node.args[0]], *others, **{**dict(node.attrs), "axis": swapped})

    def _operand(self, arg: Node, node: Node) -> Node:
        """What an elementwise op takes: a vector is a column."""
        if arg.rank == 2 or not arg.rank:
            return self.turned[arg] if arg.rank else self.plain[arg]
        if arg in self.body.inputs and arg.type.kind == "real" and not is_local(node.shape[0]):
            key = arg, node.shape[0]
            if key not in self.given:
                shape = (*arg.shape, node.shape[0])
                self.given[key] = argument(self.fresh(f"{arg['name']}_columns"), arg.type.with_shape(shape))
            return self.given[key]
        return ops.reshape(self.plain[arg], shape=(*arg.shape, Dim.of(1)))

    # --- the loop --------------------------------------------------------------------------------------

    def _body(self) -> Graph | None:
        """The body on transposed matrices, if there is one."""
        forms = [self.turned if self._turns(output) else self.plain for _, output in self.body.outputs]
        outputs = [form.get(output) for form, (_, output) in zip(forms, self.body.outputs)]
        found = [output for output in outputs if output is not None]
        if len(found) < len(outputs):
            return None
        body = self.body.rewrite(lambda node, args: self._image(node))
        inputs = [self.plain.get(i) or self.turned[i] for i in self.body.inputs]
        names = [name for name, _ in self.body.outputs]
        return replace(body, inputs=(*inputs, *self.given.values()), outputs=tuple(zip(names, found)))

    def _image(self, node: Node) -> Node:
        """What stands for a value; one that has no form isn't needed."""
        if self._turns(node) and node not in self.views:
            return self.turned.get(node, node)
        return self.plain.get(node, node)

    def _pays(self, body: Graph) -> bool:
        """Whether rows were cut, and views of what is by rows are for products alone."""
        nodes, following = set(body.nodes()), body.users
        for node in self.views:
            users: Sequence[Node] = following.get(self.turned[node], ())
            if self.turned[node] in nodes and any(user.op is not ops.matmul for user in users):
                return False
            if any(output is self.turned[node] for _, output in body.outputs):
                return False
        cut = [node for node in self.body.nodes() if cuts_rows(node) and node not in self.views]
        return any(self.turned.get(node) in nodes for node in cut)


def cuts_rows(node: Node) -> bool:
    """Whether a matrix is a part of the rows of another one, or its rows are joined of parts."""
    if node.rank != 2:
        return False
    if node.op is ops.concatenate:
        return bool(node["axis"] == 1)
    if node.op is not ops.getitem or node.args[0].rank != 2:
        return False
    first, second = node["index"]
    sizes = node.args[0].shape
    return bool(first == whole(sizes[0]) and second[0] == "slice" and second != whole(sizes[1]))


def _of_row(node: Node) -> bool:
    """Whether a matrix of a stack is read or written, and nothing of another value's rank."""
    if node.op is not ops.gather and node.op is not ops.set_at:
        return False
    at, *axes = node["index"]
    value = node if node.op is ops.gather else node.args[1]
    row = [("array", 0), *map(whole, node.args[0].shape[1:])]
    return value.rank == 2 and [at, *axes] == row and not node.args[-1].rank


def _columns(vector: Node, size: Dim) -> Node:
    """A matrix of so many equal columns: made once, as adding a column to a matrix costs a call a row."""
    return ops.outer(vector, ops.broadcast_to(ops.const(1.0), shape=(size,)))
