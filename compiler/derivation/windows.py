"""Windows of convolutions, and their adjoint, element by element.

    patches(x)[c, k, n, p] = x[n, c, stride·p + dilation·k − padding]

Outside of the array there are zeros.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Node
from ..types import Dim
from .algebra import added, negated, times
from .places import At, place
from .reader import Reader
from .sums import summed
from .tree import Element, Formula, Number


def _patches(reader: Reader, node: Node, at: At) -> Formula:
    x = node.args[0]
    rank = x.rank - 2
    channel, kernel, image, places = at[0], at[1 : 1 + rank], at[1 + rank], at[2 + rank :]
    spots = zip(places, kernel, node["stride"], node["dilation"], node["padding"])
    inner = [place(added(_scaled(p, s), _scaled(k, d)), -Dim.of(pad)) for p, k, s, d, pad in spots]
    return Element(
        reader.operand(x), (image, channel, *inner), any(Dim.of(pad) != Dim.of(0) for pad in node["padding"])
    )


def _fold(reader: Reader, node: Node, at: At) -> Formula:
    """Each element of each window added up at its place: with stride 1 they follow from the kernel's."""
    g = node.args[0]
    rank = len(node["stride"])
    if any(stride != 1 for stride in node["stride"]):
        return reader.part(reader.function(node), at)
    with reader.bound(g.shape[1 : 1 + rank]) as kernel:
        spots = zip(at[2:], kernel, node["dilation"], node["padding"])
        places = [place(added(i, negated(_scaled(k, d))), Dim.of(pad)) for i, k, d, pad in spots]
        return summed(kernel, Element(reader.operand(g), (at[1], *kernel, at[0], *places), True))


def _scaled(index: Formula, factor: int) -> Formula:
    return times(Number(float(factor)), index) if factor != 1 else index


WINDOWS: dict[str, Callable[[Reader, Node, At], Formula]] = {"patches": _patches, "fold": _fold}
