"""A graph for Graphviz: `autodiffc model.dsl --dump=dot | dot -Tsvg -o model.svg`.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> print(to_dot(Graph((x,), (("f", ops.exp(x)),))), end="")
digraph {
  node [shape=box, fontname="monospace"];
  n0 [label="x: real", style=rounded];
  n1 [label="exp: real"];
  n0 -> n1;
  out0 [label="f", shape=plaintext];
  n1 -> out0;
}

Arguments are rounded, adjoints are dashed; an edge leads from a value to what is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.compiler.ir import Graph, Node, topological
from autodiffc.compiler.irtext import value_text


def to_dot(graph: Graph) -> str:
    """The graph in Graphviz's language; the bodies of loops and branches are clusters."""
    return "\n".join(["digraph {", '  node [shape=box, fontname="monospace"];', *_lines(graph), "}", ""])


def _lines(graph: Graph, prefix: str = "", indent: str = "  ") -> Iterator[str]:
    """The nodes and edges; in a body their names begin with the name of the node that has the body."""
    nodes = topological((*graph.inputs, *(node for _, node in graph.outputs)))
    names = {node: f"{prefix}n{number}" for number, node in enumerate(nodes)}
    for node, name in names.items():
        yield f"{indent}{name} [label={_quoted(_label(node, graph))}{_style(node, graph)}];"
        yield from (f"{indent}{names[arg]} -> {name};" for arg in node.args)
        for attribute, body in node.attrs:
            if isinstance(body, Graph):
                yield from _cluster(
                    body, f"{name}_{attribute}_", f"{_label(node, graph)}: {attribute}", indent
                )
                yield f"{indent}{name} -> {name}_{attribute}_out0 [style=dotted, dir=back];"
    for number, (output, node) in enumerate(graph.outputs):
        yield f"{indent}{prefix}out{number} [label={_quoted(output)}, shape=plaintext];"
        yield f"{indent}{names[node]} -> {prefix}out{number};"


def _cluster(body: Graph, prefix: str, label: str, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph cluster_{prefix.rstrip('_')} {{"
    yield f"{indent}  label={_quoted(label)};"
    yield from _lines(body, prefix, indent + "  ")
    yield f"{indent}}}"


def _label(node: Node, graph: Graph) -> str:
    """`h = relu: real[N, H]`, the name where the model has one."""
    if node.op.name == "argument":
        return f"{node['name']}: {node.type}"
    if node.op.name == "const":
        return value_text(node["value"])
    name = graph.names.get(node)
    return f"{name} = {node.op.name}: {node.type}" if name else f"{node.op.name}: {node.type}"


def _style(node: Node, graph: Graph) -> str:
    if node.op.name == "argument":
        return ", style=rounded"
    origins = graph.origins.get(node, ())
    return ", style=dashed" if origins and all(origin.adjoint for origin in origins) else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
