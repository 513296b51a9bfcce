"""The JVP of an op from its one rule, the VJP: a linear map of the cotangent, and this is its transpose.

    y = tanh(x)      VJP: g -> g * (1 - y * y)      JVP: x_dot -> x_dot * (1 - y * y)

Reverse mode on the rule's own nodes, from the arguments' tangents back to g, gives the output's tangent
(Radul et al., "You only linearize once", POPL 2023, has the two the other way round).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from .. import ops
from ..ir import Node, NonDiff
from ..ops import argument
from ..ops.own import govern_rule
from .autodiff import NotDifferentiable, unbroadcast

# A cotangent, and the conditions under which it is not 0. A rule `gate(g * slope, c)` keeps a slope that is
# infinite or NaN where c fails away; its transpose does so only if the gate stays behind the product.
_Share = tuple[Node, tuple[Node, ...]]


def transposed(node: Node, dots: Sequence[Node | None], primal: Collection[Node]) -> Node | None:
    """The tangent of a node from its arguments' tangents; None where it is 0."""
    g = argument("g", node.type)
    rows = [
        (contribution, dot)
        for contribution, dot in zip(_contributions(node, g), dots)
        if contribution is not None and dot is not None
    ]
    order = _made(g, [contribution for contribution, _ in rows], primal)
    result = _total(_pulled_back(g, rows, order))
    if result is not None and g in _made(g, [result], primal, {dot for _, dot in rows}):
        raise NotDifferentiable(node, "its adjoint is not linear in the cotangent, so it has no transpose")
    return result


def _pulled_back(g: Node, rows: Iterable[tuple[Node, Node]], order: dict[Node, None]) -> list[_Share]:
    """What the tangents of the arguments, as cotangents of their contributions, give to g."""
    shares: dict[Node, list[_Share]] = {}
    for contribution, dot in rows:
        shares.setdefault(contribution, []).append((dot, ()))
    for made in reversed(order):
        if made is g:
            continue
        for cotangent, gates in _arrived(made, shares.pop(made, ())):
            for arg, share, more in _back(made, cotangent):
                if arg in order:
                    shares.setdefault(arg, []).append((share, gates + more))
    return shares.get(g, [])


def _back(made: Node, cotangent: Node) -> Iterator[tuple[Node, Node, tuple[Node, ...]]]:
    """The shares that a node hands to its arguments."""
    if made.op in (ops.gate, ops.gate_finite):
        yield made.args[0], cotangent, (made.args[1],)
        return
    for arg, share in zip(made.args, _contributions(made, cotangent)):
        if share is not None:
            yield arg, share if share.rank < arg.rank else unbroadcast(share, arg.shape), ()


def _arrived(made: Node, shares: Sequence[_Share]) -> Sequence[_Share]:
    """What a node's rule is applied to: each share where it acts element by element, else their sum."""
    if made.op.elementwise and len({gates for _, gates in shares}) == len(shares):
        return shares
    total = _total(shares)
    if total is None:
        return ()
    whole = made.op.elementwise or total.shape == made.shape
    return [(total if whole else ops.broadcast_to(total, shape=made.shape), ())]


def _total(shares: Iterable[_Share]) -> Node | None:
    total = None
    for share, gates in shares:
        for condition in gates:
            share = ops.gate(share, condition)
        total = share if total is None else total + share
    return total


def _contributions(node: Node, g: Node) -> Sequence[Node | None]:
    if node.op is ops.governed:
        return govern_rule(node, g)
    if isinstance(node.op.vjp, NonDiff):
        raise NotDifferentiable(node, node.op.vjp.reason)
    return node.op.vjp(g, node, *node.args)


def _made(
    g: Node, roots: Iterable[Node], primal: Collection[Node], dots: Collection[Node] = ()
) -> dict[Node, None]:
    """The nodes above g that a rule has made of the primal ones and of tangents, arguments first."""
    order: dict[Node, None] = {}
    done: set[Node] = set()
    stack = [(root, False) for root in roots]
    while stack:
        node, ready = stack.pop()
        if node is g:
            order.setdefault(g)
        elif ready:
            if any(arg in order for arg in node.args):
                order.setdefault(node)
        elif node not in done and node not in primal and node not in dots:
            done.add(node)
            stack.append((node, True))
            stack.extend((arg, False) for arg in node.args)
    return order
