"""The bodies of loops and branches: what was evaluated in them, as closed graphs.

A body is evaluated like any other part of a model, with the values around it at hand. The nodes that are made
meanwhile are its own; `close` makes a graph of them in which whatever else they use is an input.

    scale = exp(s)
    for t in range(T):
        h = scale * h        own: mul(scale, h)         body: (t, h, scale) -> mul(scale, h)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from .context import Context, Own
from .scope import Scope

Results = Sequence[tuple[str, Node]]


@record(frozen=True, eq=False)
class Closed:
    """The graphs of a body, which have the same inputs, and the values outside that these stand for."""

    graphs: tuple[Graph, ...]
    given: tuple[Node, ...]


def close(
    context: Context, scope: Scope, own: Own, parameters: Sequence[Node], groups: Sequence[Results]
) -> Closed:
    """A graph for each group of results; the inputs are the parameters, then what is used from outside."""
    inputs = dict.fromkeys(parameters)
    order = list(_inside(context, own, inputs, (node for group in groups for _, node in group)))
    given = [node for node in order if node not in inputs and _is_outside(context, own, node)]
    names = Names({p["name"] for p in parameters})
    known = _known_names(scope)
    mapping: dict[Node, Node] = {p: p for p in parameters}
    for node in given:
        mapping[node] = ops.argument(names.fresh(_name_of(context, known, node)), node.type)
    for node in order:
        if node not in mapping:
            mapping[node] = node.with_args([mapping[a] for a in node.args])
    inside = [node for node in order if mapping[node].op.name != "argument"]
    labels = {mapping[n]: context.names[n] for n in inside if n in context.names}
    places = {mapping[n]: context.origins[n] for n in inside if n in context.origins}
    taken = (*parameters, *(mapping[g] for g in given))
    graphs = []
    for group in groups:
        own_names = Names(set(names.taken))
        outputs = tuple((own_names.fresh(name), mapping[node]) for name, node in group)
        graph = Graph(taken, outputs)
        live = graph.nodes()
        graphs.append(
            Graph(
                taken,
                outputs,
                {node: labels[node] for node in live if node in labels},
                {node: places[node] for node in live if node in places},
            )
        )
    return Closed(tuple(graphs), tuple(given))


def _is_outside(context: Context, own: Own, node: Node) -> bool:
    """Whether a body gets it from outside; constants and dims are used directly."""
    if node.op.name in ("const", "dim"):
        return False
    return node.op.name == "argument" or (node in context.origins and node not in own.nodes)


def _inside(context: Context, own: Own, parameters: Iterable[Node], roots: Iterable[Node]) -> Iterator[Node]:
    """The nodes below the roots, arguments first, as far down as to what comes from outside."""
    border = set(parameters)
    done: set[Node] = set()
    for root in roots:
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if node in done:
                continue
            if ready or node in border or _is_outside(context, own, node):
                done.add(node)
                yield node
            else:
                stack.append((node, True))
                stack.extend((arg, False) for arg in reversed(node.args))


def _known_names(scope: Scope) -> dict[Node, str]:
    """What values are called where the body stands: in a function, its parameters' names."""
    found: dict[Node, str] = {}
    for name, binding in scope.values.items():
        if isinstance(binding.value, Node):
            found.setdefault(binding.value, name)
    return found


def _name_of(context: Context, known: dict[Node, str], node: Node) -> str:
    if node.op.name == "argument":
        return str(node["name"])
    return known.get(node) or context.names.get(node) or "value"


class Names:
    """Names that differ from one another."""

    def __init__(self, taken: set[str]):
        self.taken = taken
        self._counts: dict[str, int] = {}

    def fresh(self, name: str) -> str:
        """The name, with a number behind it where it is taken."""
        chosen, count = name, self._counts.get(name, 1)
        while chosen in self.taken:
            count += 1
            chosen = f"{name}_{count}"
        self._counts[name] = count
        self.taken.add(chosen)
        return chosen
