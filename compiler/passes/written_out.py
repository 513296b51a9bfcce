"""Short loops of few operations on numbers are written out step by step (-O2).

    for i in range(3):              E_1 = E - (E - e * sin(E) - M) / (1 - e * cos(E))
        E = E - …             →     E_2 = E_1 - (E_1 - e * sin(E_1) - M) / (1 - e * cos(E_1))
                                    E_3 = …

The adjoint of a loop keeps a tuple of each step in a list, and takes it from there: that takes as long as
ten operations on numbers. The values are the same to the bit.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.irtext import print_graph
>>> from autodiffc.compiler.ops import argument
>>> from autodiffc.compiler.types import INT, REAL, Dim
>>> i, h, w = argument("i", INT), argument("h", REAL), argument("w", REAL)
>>> body = Graph((i, h, w), (("h", ops.sin(h) * w),))
>>> start, w = argument("start", REAL), argument("w", REAL)
>>> loop = ops.loop(const(2), start, w, body=body, carried=1, length=Dim.of(2))
>>> graph = Graph((start, w), (("h", ops.item(loop, position=0)),))
>>> print(print_graph(WrittenOut().run(graph)), end="")
%0 start: real = argument()
%1 w: real = argument()
%2: real = sin(%0)
%3: real = mul(%2, %1)
%4: real = sin(%3)
%5: real = mul(%4, %1)
return h=%5
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..ir import Graph, Node, Origin, const
from ..ops import gather
from .bodies import loops_replaced
from .unroll_small import is_small

MOST_STEPS = 10
MOST_OPS = 64  # of all steps together
LEAVES = frozenset({"argument", "const"})


@dataclass(frozen=True)
class WrittenOut:
    name: str = "written_out"

    def run(self, graph: Graph) -> Graph:
        if not graph.bodies:
            return graph
        names: dict[Node, str] = {}
        origins: dict[Node, tuple[Origin, ...]] = {}

        def values(loop: Node) -> list[Node] | None:
            return _steps(loop, names, origins) if _is_short(loop) else None

        after = loops_replaced(graph, self.run, values)
        if not names and not origins:
            return after
        return replace(after, names={**names, **after.names}, origins={**after.origins, **origins})


def _is_short(loop: Node) -> bool:
    body, steps = loop["body"], loop["length"].known
    if steps is None or not 0 < steps <= MOST_STEPS or loop.args[0].op.name != "const":
        return False
    if any(loop.get(name) for name in ("condition", "reverse", "checkpoint", "recompute", "directions")):
        return False
    inside = [node for node in body.nodes() if node.op.name not in LEAVES]
    states, given = loop.args[: 1 + loop["carried"]], loop.args[1 + loop["carried"] :]
    return (
        len(body.outputs) == loop["carried"]
        and len(inside) * steps <= MOST_OPS
        and not any(arg.rank for arg in states)
        and all(is_small(arg.type) for arg in given)
        and all((node.op.elementwise or node.op is gather) and not node.rank for node in inside)
    )


def _steps(loop: Node, names: dict[Node, str], origins: dict[Node, tuple[Origin, ...]]) -> list[Node]:
    """The values of a loop's items, of the steps one after the other."""
    body, carried = loop["body"], loop["carried"]
    count, *operands = loop.args
    states, given = operands[:carried], operands[carried:]
    for step in range(loop["length"].known):
        image = dict(zip(body.inputs, (const(step), *states, *given)))
        for node in body.nodes():
            if node in image:
                continue
            image[node] = node.with_args(image[arg] for arg in node.args)
            if node in body.origins:
                origins[image[node]] = body.origins[node]
            if node in body.names:
                names[image[node]] = body.names[node]
        states = [image[output] for _, output in body.outputs]
    return [*states, count]
