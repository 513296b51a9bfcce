"""Params by which the target has no gradient: because it doesn't depend on them, or only in steps.

    k = round(w)              the slope of round is 0 everywhere
    L = (k - y)**2            L depends on w, but its gradient is 0

Two sets go forward through the graph, as the bits of ints: what a value depends on, and what its derivative
does. An op passes the second on to where its adjoint has a cotangent to give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autodiffc.grammar.diagnostics import Diagnostic, Note
from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, NonDiff
from ..ops import argument
from ..passes.zeros import bodies_of
from ..types import TUPLE
from .subject import Subject, text_of

MOST_NOTES = 2
Reach = tuple[int, int]  # what a value depends on, and what it has a derivative by
NOTHING: Reach = (0, 0)


@record(frozen=True)
class Cut:
    """Where a derivative ends."""

    graph: Graph
    node: Node
    lost: int


def no_gradient(subject: Subject) -> Iterator[Diagnostic]:
    """Every wrt name whose gradient is 0 by structure."""
    program, graph = subject.program, subject.written
    if program.target is None:
        return
    cuts: list[Cut] = []
    value, slope = _found(subject, cuts)[graph.output(program.target)]
    for name, bit in _bits(subject).items():
        if not slope & bit:
            yield _finding(subject, name, [cut for cut in cuts if cut.lost & bit and value & bit])


def steps_of(subject: Subject) -> list[Cut]:
    """Where the derivative of something ends."""
    cuts: list[Cut] = []
    _found(subject, cuts)
    return cuts


def _bits(subject: Subject) -> dict[str, int]:
    return {name: 1 << i for i, name in enumerate(subject.program.wrt)}


def _found(subject: Subject, cuts: list[Cut]) -> dict[Node, Reach]:
    bits = _bits(subject)
    given = [(bits.get(node["name"], 0),) * 2 for node in subject.written.inputs]
    return _reached(subject.written, given, cuts)


def _finding(subject: Subject, name: str, cuts: list[Cut]) -> Diagnostic:
    target, declared = subject.program.target, subject.arguments[name]
    notes = tuple(note for cut in cuts[:MOST_NOTES] for note in _where(subject, cut))
    if cuts:
        message = f"`{target}` has gradient 0 with respect to `{name}`, wherever it is"
        help_text = (
            "take a smooth function instead, or give this one an adjoint of its own: `adjoint f(x, d_out): …`"
        )
    else:
        message = f"`{target}` does not depend on the {declared.role} `{name}`"
        help_text = "drop it, or use it: as it is, its gradient is 0 and nothing ever changes it"
    return Diagnostic("W0201", message, declared.span, "", notes, help_text, "warning")


def _where(subject: Subject, cut: Cut) -> Iterator[Note]:
    origins = cut.graph.origins.get(cut.node, ())
    if origins:
        what = text_of(cut.graph, cut.node) or cut.node.op.name
        yield Note(subject.place(origins)[0], f"`{what}` has no slope")


def _reached(graph: Graph, given: Sequence[Reach], cuts: list[Cut]) -> dict[Node, Reach]:
    """What each value depends on; adds to `cuts` where derivatives end."""
    found: dict[Node, Reach] = dict(zip(graph.inputs, given))
    results: dict[Node, list[Reach]] = {}
    for node in graph.nodes():
        if node in found:
            continue
        args = [found[a] for a in node.args]
        whole = _joined(args)
        if node.type.kind == TUPLE and bodies_of(node):
            results[node] = _control(node, args, cuts)
        elif node.op is ops.item and node.args[0] in results:
            whole = results[node.args[0]][node["position"]]
        else:
            passing = _joined([r for a, r in zip(_passing(node, whole), args) if a])
            whole = whole[0], passing[1]
            lost = _joined(args)[1] & ~passing[1]
            if lost and node.op is not ops.governed:
                cuts.append(Cut(graph, node, lost))
        found[node] = whole
    return found


def _joined(parts: Sequence[Reach]) -> Reach:
    value = slope = 0
    for part in parts:
        value, slope = value | part[0], slope | part[1]
    return value, slope


def _passing(node: Node, whole: Reach) -> Sequence[bool]:
    """Which arguments get a cotangent of a node."""
    if not whole[1] or node.type.kind != "real":
        return (False,) * len(node.args)
    if isinstance(node.op.vjp, NonDiff) or node.op is ops.own_adjoint:
        return (True,) * len(node.args)
    cotangents = node.op.vjp(argument("g", node.type), node, *node.args)
    return [cotangent is not None for cotangent in cotangents]


def _control(node: Node, args: Sequence[Reach], cuts: list[Cut]) -> list[Reach]:
    """The results of a loop or a branch."""
    decides = args[0][0]
    if node.op is ops.branch:
        sides = [_outputs(body, args[1:], cuts) for body in bodies_of(node)]
        return [_joined([*ends, (decides, 0)]) for ends in zip(*sides)]
    body, carried = node["body"], node["carried"]
    state, given = list(args[1 : 1 + carried]), list(args[1 + carried :])
    while True:
        inside: list[Cut] = []
        after = _outputs(body, [NOTHING, *state, *given], inside)
        wider = [_joined(pair) for pair in zip(state, after)]
        if wider == state:
            break
        state = wider
    cuts += inside
    ends = decides | (_joined(args)[0] if node.get("condition") else 0)
    return [_joined([end, (ends, 0)]) for end in (*state, *after[carried:], NOTHING)]


def _outputs(body: Graph, given: Sequence[Reach], cuts: list[Cut]) -> list[Reach]:
    found = _reached(body, given, cuts)
    return [found[node] for _, node in body.outputs]
