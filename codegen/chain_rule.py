"""The chain rule beside each step of the teaching form (-O0).

    d_b = d_h * (h * (1.0 - h))           # ∂E/∂b = ∂E/∂h ⊙ σ'(b)
    d_y = d_y + d_a                       # ∂f/∂y = ∂f/∂y + ∂f/∂a · 1     at a fork gradients add

A step is told in the model's own terms: the op on the way from u to v, upstream ∂L/∂u times local ∂u/∂v.
Local derivatives are those of the numerics reference; what each op is to say stands here in one table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from autodiffc.compiler.ir import Graph, Node, const_value
from autodiffc.compiler.types import Dim, size_of

# The local derivative by each operand, by the names of the op's params; `out` is the op's value, `g` stands
# for the upstream gradient where the step is no product of that with a factor.
LOCAL: Mapping[str, tuple[str, ...]] = {
    "add": ("1", "1"), "sub": ("1", "(−1)"), "neg": ("(−1)",), "mul": ("{y}", "{x}"),
    "div": ("1/{y}", "(−{x}/{y}²)"), "reciprocal": ("(−1/{x}²)",), "square": ("2 {x}",),
    "power": ("{y} {x}^({y} − 1)", "{out} log {x}"), "abs": ("sign({x})",), "to_real": ("1",),
    "exp": ("{out}",), "log": ("1/{x}",), "log1p": ("1/(1 + {x})",), "sqrt": ("1/(2 {out})",),
    "sin": ("cos({x})",), "cos": ("(−sin({x}))",), "sigmoid": ("σ'({x})",), "relu": ("1[{x} > 0]",),
    "maximum": ("1[{x} > {y}]", "1[{x} ≤ {y}]"), "minimum": ("1[{x} < {y}]", "1[{x} ≥ {y}]"),
    "where": ("", "1[{c}]", "1[not {c}]"), "sum": ("1",), "mean": ("1/{count}",),
    "prod": ("{out}/{x}",), "max": ("1[{x} is the largest]",), "min": ("1[{x} is the smallest]",),
    "logsumexp": ("softmax({x})",), "cross_entropy": ("(softmax({x}) − onehot({y}))",),
    "softmax": ("{out} ⊙ (g − Σ g ⊙ {out})",), "log_softmax": ("g − softmax({x}) Σ g",),
    "outer": ("g {b}", "gᵀ {a}"), "trace": ("I",), "dot": ("{b}", "{a}"),
}  # fmt: skip
MATMUL = {
    (1, 1): ("{b}", "{a}"), (1, 2): ("{b} g", "{a} ⊗ g"), (2, 1): ("g ⊗ {b}", "{a}ᵀ g"),
}  # fmt: skip
SAID = {
    "add": "a sum passes it on",
    "mul": "each factor gets the other",
    "maximum": "the larger gets it",
    "minimum": "the smaller gets it",
    "relu": "where it was positive",
    "where": "the side that was taken gets it",
    "sum": "each term gets all of it",
    "mean": "each term gets its share",
    "max": "the largest gets it",
    "min": "the smallest gets it",
}
FORK = "at a fork gradients add"
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w*\()")


def first_of(paths: int, name: str) -> str:
    """What is said of the first contribution to a gradient that is a sum."""
    return f"first of the {_COUNTS.get(paths, paths)} paths to {name}"


class Lecture:
    """What can be said of the steps of a derivative by `wrt`; `model` is the graph before differentiation."""

    def __init__(self, model: Graph, target: str, wrt: Collection[str]):
        self.model = model
        self.target = target
        self.wrt = wrt

    @cached_property
    def _nodes(self) -> Mapping[str, Sequence[tuple[Node, Graph]]]:
        """The values by their names, with the graphs that they are in."""
        found: dict[str, list[tuple[Node, Graph]]] = {}
        for graph in _graphs(self.model):
            for node in dict.fromkeys((*graph.inputs, *graph.nodes())):
                name = _name(node, graph)
                if name:
                    found.setdefault(name, []).append((node, graph))
        return found

    def paths(self, name: str) -> int:
        """How many uses a value has through which a gradient can come back."""
        found = self._nodes.get(name, ())
        return max((_uses(node, graph) for node, graph in found), default=0)

    def handed_on(self, name: str) -> Iterator[str]:
        """The values whose gradient is that of `name` too: its one computed term, that one's …"""
        found = self._nodes.get(name, ())
        node, graph = found[0] if len(found) == 1 else (None, self.model)
        while node is not None:
            node = self._only_term(node, graph)
            if node is not None and _name(node, graph):
                yield _name(node, graph)

    def _only_term(self, node: Node, graph: Graph) -> Node | None:
        """The term that a sum or a difference has beside what is given, if nothing else is made of it."""
        if node.op.name not in ("add", "sub"):
            return None
        terms = [arg for arg in node.args if not self._is_given(arg, node, graph)]
        if len(terms) != 1 or (node.op.name == "sub" and terms[0] is node.args[1]):
            return None
        (term,) = terms
        return term if term.type == node.type and len(graph.users.get(term, ())) == 1 else None

    def _is_given(self, term: Node, total: Node, graph: Graph) -> bool:
        """Whether it gets no gradient, or as a whole that of the sum alone."""
        if term.op.name != "argument" or graph is not self.model:
            return term.op.name in ("const", "dim")
        return term["name"] not in self.wrt or (term.type == total.type and _uses(term, graph) == 1)

    def by(self, name: str) -> str:
        """∂L/∂name."""
        return f"∂{self.target}/∂{name}"

    def step(self, name: str, source: str, turn: int, as_it_is: bool) -> tuple[str, str]:
        """What a value gets of the gradient of `source`, and the op that it comes through.

        Where several ops hand it on, this is the turn-th, from the target backwards. `as_it_is`: it gets that
        gradient itself. Empty where the model has no such step, or values of one name several that differ.
        """
        found = []
        for last, graph in self._nodes.get(source, ()):
            ways = [way for node, home in self._nodes.get(name, ()) if home is graph
                    for way in _ways(node, last, graph)]  # fmt: skip
            if ways:
                user, place = ways[turn % len(ways)]
                found.append((self._through(user, place, source, graph), user.op.name))
        found = found or [self._only_step(name)]
        plain = f"{self.by(source)} · 1"
        if as_it_is or len(set(found)) > 1:
            found = [(formula, op) for formula, op in found if (formula == plain) == as_it_is]
        return found[0] if len(set(found)) == 1 else ("", "")

    def has_step(self, name: str, source: str) -> bool:
        """Whether a value is an operand of `source`."""
        values = [node for node, _ in self._nodes.get(name, ())]
        return any(arg in values for node, _ in self._nodes.get(source, ()) for arg in node.args)

    def _only_step(self, name: str) -> tuple[str, str]:
        """The step to a value with one use, whatever it is written by: `d_y = -(d_x * f)` for f = x / y."""
        found = self._nodes.get(name, ())
        if len(found) != 1:
            return "", ""
        ((node, graph),) = found
        users = graph.users.get(node, ())
        if len(users) != 1 or not _name(users[0], graph):
            return "", ""
        (user,) = users
        return self._through(user, user.args.index(node), _name(user, graph), graph), user.op.name

    def _through(self, user: Node, place: int, source: str, graph: Graph) -> str:
        template = _local(user, place)
        if not template:
            return ""
        operands = {p: _shown(a, graph) for p, a in zip(user.op.params, user.args)}
        if any(f"{{{p}}}" in template and not text for p, text in operands.items()):
            return ""
        local = template.format(**operands, out=source, count=_count(user))
        upstream = self.by(source)
        if _NAME.search(template.replace("{", "").replace("}", "")) and _is_whole(template):
            return re.sub(r"(?<!\w)g(?!\w)", upstream, local)
        sign = "⊙" if user.rank and local not in ("1", "(−1)") and "/{count}" not in template else "·"
        result = f"{upstream} {sign} {local}"
        stretched = user.op.elementwise and user.shape != user.args[place].shape
        return f"Σ {result}" if stretched else result


def _uses(node: Node, graph: Graph) -> int:
    return sum(user.type.kind in ("real", "tuple") for user in graph.users.get(node, ()))


def _ways(node: Node, last: Node, graph: Graph) -> list[tuple[Node, int]]:
    """The uses of a value through which it gets the gradient of `last`, from the target backwards."""
    users = dict.fromkeys(reversed(graph.users.get(node, ())))
    return [
        (user, place)
        for user in users
        for place, arg in enumerate(user.args)
        if arg is node and _passes_on(user, last, graph)
    ]


def _passes_on(node: Node, last: Node, graph: Graph) -> bool:
    """Whether a value has the gradient of `last`, being a term of it (of a term of it …) and nothing else."""
    while node is not last:
        users = graph.users.get(node, ())
        if len(users) != 1 or users[0].type != node.type:
            return False
        (user,) = users
        if user.op.name != "add" and not (user.op.name == "sub" and user.args[0] is node):
            return False
        node = user
    return True


def _is_whole(template: str) -> bool:
    """Whether a template tells the whole step, and not a factor."""
    return re.search(r"(?<!\w)g(?!\w)", template) is not None


def _local(user: Node, place: int) -> str:
    if user.op.name == "matmul":
        ranks = (user.args[0].rank, user.args[1].rank)
        return MATMUL.get(ranks, ("g {b}ᵀ", "{a}ᵀ g"))[place]
    found = LOCAL.get(user.op.name)
    if found is not None:
        return found[place] if place < len(found) else ""
    return f"{user.op.name}'({{{user.op.params[0]}}})" if user.op.elementwise and len(user.args) == 1 else ""


def _count(user: Node) -> str:
    """How many elements a mean is of."""
    if not user.args or user.op.name != "mean":
        return ""
    gone = list(user.args[0].shape)
    for dim in user.shape:
        if dim in gone:
            gone.remove(dim)
    size = size_of(tuple(gone)) if gone else Dim.of(1)
    text = str(size).replace("*", " ")
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def _shown(node: Node, graph: Graph) -> str:
    """A value in a formula; '' for one without a name."""
    value = const_value(node)
    if value is not None:
        return re.sub(r"e([-+])0+", r"e\1", f"{value:g}") if isinstance(value, float) else str(value)
    return _name(node, graph)


def _name(node: Node, graph: Graph) -> str:
    return str(node["name"]) if node.op.name == "argument" else graph.names.get(node, "")


def _graphs(graph: Graph) -> Iterator[Graph]:
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        for node in current.nodes():
            waiting.extend(node.subgraphs())
