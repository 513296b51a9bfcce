"""What a function returns must be the caller's own: no argument, nothing cached, nothing twice.

f = x (an input)      ->      return Outputs(x.copy())
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.compiler.ir import Node

from .body import Body
from .pytext import ATOM


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
        texts[name] = f"{body.value(node).within(ATOM)}.copy()" if shared else str(body.value(node))
    return texts
