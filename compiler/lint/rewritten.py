"""What the stability rules have put in the place of what was written, and why.

    log(1 + exp(x))          is computed as softplus(x): as written, exp overflows beyond 709

A note rather than a warning: nothing has to be done about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autodiffc.grammar.diagnostics import Diagnostic
from autodiffc.grammar.source import Span

from ..ir import Graph, Node, const_value
from ..ops.indexing import index_text
from ..passes.stabilise import Applied
from .subject import Subject, text_of

_OVERFLOW = "exp overflows beyond 709, and the quotient or the logarithm of that is no number"
_SMALL = "a small probability underflows to 0, and its logarithm is -inf"
_TAIL = "far out the difference rounds to 0, and its logarithm is -inf"
_NEAR_ONE = "the difference of two numbers near each other has few right digits"
_INVERSE = "an inverse loses the digits that the condition of the matrix takes, and more work is done"
_DETERMINANT = "the determinant of a large matrix overflows or underflows; its logarithm does not"
_SQUARES = "squares overflow beyond 1e154, and the slope of the root is infinite at 0"
_HYPERBOLIC = "exponentials overflow beyond 709, and their difference cancels near 0"
_ZERO = "0 * log(0) is no number, where the limit is 0"
_GROUPS: Mapping[str, str] = {
    _SMALL: "log-softmax log-inverse-softmax sub-logsumexp picked-log-softmax logsumexp-less-picked "
    "log-softmax-max log-sigmoid log-one-minus-sigmoid",
    _OVERFLOW: "softmax softmax-max exp-sigmoid exps-sigmoid sigmoid exp-times-sigmoid softplus "
    "log-of-exponentials exp-times-exp exp-over-exp one-over-exp",
    _HYPERBOLIC: "sinh-cosh exp-tanh sigmoid-tanh sinh cosh",
    _TAIL: "one-minus-sigmoid one-minus-erf one-plus-erf minus-times-erf plus-times-erf one-minus-erfc "
    "two-minus-erfc one-minus-ndtr log-one-minus-erf log-one-plus-erf log-ndtr log-erfc gelu-0 gelu-1 gelu-2 "
    "gelu-ndtr",
    _NEAR_ONE: "log1mexp var var-centred std arctanh arctanh-logs arcsinh logit logit-logs logit-inverse "
    "logit-odds one-minus-cos difference-of-squares difference-of-roots expm1 log1p",
    _INVERSE: "solve solve-from-the-right",
    _DETERMINANT: "log-abs-det log-square-det sign-det log-det log-sqrt-det",
    _SQUARES: "sqrt-square hypot norm norm-dot",
    _ZERO: "rel-entr rel-entr-inverse rel-entr-logs xlogx",
    "the product of many numbers overflows or underflows; the sum of their logarithms does not": "log-prod",
    "the quotient overflows where its logarithm does not": "log-reciprocal",
}  # fmt: skip
WHY: Mapping[str, str] = {name: why for why, names in _GROUPS.items() for name in names.split()}
# Each with how tightly it binds, and how tightly its operands have to.
INFIX = {
    "add": (" + ", 1, 1), "sub": (" - ", 1, 2), "mul": (" * ", 2, 3), "div": (" / ", 2, 3),
    "matmul": (" @ ", 2, 3), "power": ("**", 4, 4),
}  # fmt: skip
PLAIN = frozenset([*INFIX, "neg", "square", "reciprocal", "const", "argument", "broadcast_to", "reshape"])
SIGN, ATOM = 3, 9
DEEPEST = 4


def rewritten(subject: Subject) -> Iterator[Diagnostic]:
    """One note for each place: the last rule that has applied there has the last word on its form."""
    graph, rules = subject.stabilised
    left = set(_operations(graph))
    found: dict[object, Diagnostic] = {}
    for applied in rules:
        origins = applied.graph.origins.get(applied.node, ())
        own = all(origin.span.source is subject.program.source for origin in origins[:2])
        if origins and own and _stays(applied, origins[-1].span, left):
            span, notes = subject.place(origins)
            message = f"this is computed as {_shown(applied.image, applied, 0)}"
            why = f"as written, {WHY[applied.rule.name]}"
            found[span] = Diagnostic("W0304", message, span, why, notes, "", "note")
    yield from found.values()


def _operations(graph: Graph) -> Iterator[tuple[str, object]]:
    """The ops of a graph and of the bodies in it, with the places that they come from."""
    stack = [graph]
    while stack:
        current = stack.pop()
        for node in current.nodes():
            stack.extend(node.subgraphs())
            for origin in current.origins.get(node, ()):
                yield node.op.name, origin.span


def _stays(applied: Applied, span: Span, left: set[tuple[str, object]]) -> bool:
    """Whether what a rule has made is still there, and not a step on the way to something else."""
    made = {node.op.name for node in _made(applied)} - PLAIN
    return not made or any((name, span) in left for name in made)


def _made(applied: Applied) -> Iterator[Node]:
    """The first nodes of what a rule has made, down to those that were there."""
    layer = [applied.image]
    for _ in range(DEEPEST):
        yield from layer
        below = dict.fromkeys(arg for node in layer for arg in node.args)
        layer = [
            node for node in below if node not in applied.graph.origins and node not in applied.node.args
        ]


def _shown(node: Node, applied: Applied, depth: int) -> str:
    """A value as a formula of what stands in the model."""
    as_written = _written(node, applied.graph, applied.node)
    value = const_value(node)
    if as_written or value is not None:
        return as_written or f"{value:g}"
    if depth == DEEPEST:
        return "…"
    args = [_shown(arg, applied, depth + 1) for arg in node.args]
    name = node.op.name
    if name in INFIX:
        sign, left, right = INFIX[name]
        return f"{_bracketed(args[0], left)}{sign}{_bracketed(args[1], right)}"
    if name in ("broadcast_to", "reshape") and args:
        return args[0]
    if name == "neg":
        return f"-{_bracketed(args[0], SIGN)}"
    if name == "square":
        return f"{_bracketed(args[0], INFIX['power'][1])}**2"
    if name == "reciprocal":
        return f"1 / {_bracketed(args[0], INFIX['div'][2])}"
    if name == "getitem":
        return f"{_bracketed(args[0], ATOM)}[{index_text(node['index'], node.args[0].shape, str)}]"
    return f"{name}({', '.join(args)})"


def _written(node: Node, graph: Graph, whole: Node) -> str:
    """How a part of what was written stands there; nothing for what a function of the language makes."""
    here, around = graph.origins.get(node, ()), graph.origins.get(whole, ())
    named = node.op.name == "argument" or node in graph.names
    if node is whole or (not named and (not here or here[-1].span == around[-1].span)):
        return ""
    return text_of(graph, node)


def _bracketed(text: str, wanted: int) -> str:
    """A text as an operand of something that binds so tightly."""
    return text if _strength(text) >= wanted else f"({text})"


def _strength(text: str) -> int:
    """How tightly the loosest operator outside brackets binds."""
    depth, outside = 0, ""
    for char in text:
        depth -= char in ")]"
        outside += char if not depth else ""
        depth += char in "(["
    without_powers = outside.replace("**", "")
    if any(sign in outside[1:] for sign in "+-"):
        return 1
    if any(sign in without_powers for sign in "*/@%") or " " in outside:
        return 2
    return SIGN if outside.startswith("-") else INFIX["power"][1] if "**" in outside else ATOM
