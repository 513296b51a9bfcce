"""What a function returns must be the caller's own: no argument, nothing cached, nothing twice.

f = x (an input)      ->      return Outputs(x.copy())
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.compiler.ir import Node

from .body import Body
from .buffers import Buffer
from .context import Context
from .pytext import ATOM, Expr, tuple_of


def named_tuple(context: Context, name: str, values: Sequence[str]) -> str:
    """`Grads(a, b)`; at -O2 without the detour by its constructor."""
    if context.level < 2 or not values:
        return f"{context.ref(name)}({', '.join(values)})"
    return f"{context.ref('_new')}({context.ref(name)}, {tuple_of(list(values))})"


def owned(body: Body, names: Sequence[str], keep: Sequence[str] = ()) -> dict[str, str]:
    """The texts of the outputs `names`, copied where something else (those in `keep`) holds their memory."""
    outputs, memory = dict(body.graph.outputs), body.memory
    held: set[Node] = set()
    for name in keep:
        held |= memory.of(outputs[name])
    texts = {}
    for name in names:
        node = outputs[name]
        shared = node.rank and (memory.of(node) & held or memory.is_foreign(node))
        held |= memory.of(node)
        text = Expr(body.result_names[name]) if name in body.result_names else body.value(node)
        texts[name] = _copied(body, node, text, name) if shared else str(text)
    return texts


def _copied(body: Body, node: Node, text: Expr, name: str) -> str:
    """A copy, in memory that a caller has lent for results."""
    known = all(size.symbols <= body.dims.keys() for size in node.shape)
    if not body.workspace or not known or node.type.kind != "real":
        return f"{text.within(ATOM)}.copy()"
    memory = body.scope.fresh(f"{body.context.local(name)}_memory")
    body.buffers.append(Buffer(node.type, [], is_result=True, name=memory))
    return f"{body.context.ref('np')}.positive({text}, out={memory})"
