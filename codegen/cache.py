"""What forward keeps for backward: the fields of Cache, their names, the dims that they tell."""

from __future__ import annotations

from collections.abc import Mapping

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.model import Binding
from autodiffc.compiler.ops.control import may_be_missing

from .body import Body
from .context import Context, once, value_names
from .dimtext import Holder, bind, readable_from
from .names import Scope
from .stacks import listed_fields
from .telling import described, is_stack, result_name
from .workspace import workspace_name
from .writer import Writer


def has_cache(context: Context) -> bool:
    return context.derivative.backward is not None


@once
def cache_fields(context: Context) -> dict[str, Node | None]:
    """The fields of Cache: saved values, then dims (None) that no saved array can tell."""
    outputs = dict(context.derivative.forward.outputs)
    return {
        **{name: outputs[name] for name in context.derivative.saved},
        **dict.fromkeys(cache_dims(context)),
    }


@once
def cache_names(context: Context) -> dict[str, str]:
    """The Python names of the cache's fields: the model's own, or what tells what is saved."""
    forward, scope = context.derivative.forward, context.names.scope()
    named = {node: name for node, name in forward.names.items() if name in value_names(context)}
    found: dict[str, str] = {}
    plain: dict[Node, str] = {}
    for name, node in cache_fields(context).items():
        if node is None or node.op.name == "argument" or named.get(node) == name:
            found[name] = context.local(name)
        else:
            told = result_name(node) or described(node, lambda a: plain.get(a) or named.get(a, ""))
            given = forward.names.get(node, told)
            found[name] = scope.fresh(told if is_stack(node) else given)
        if node is not None:
            plain[node] = found[name]
    return found


@once
def cache_dims(context: Context) -> list[str]:
    """The dims that backward needs and that no saved array can tell."""
    backward = context.derivative.backward
    if backward is None:
        return []
    body = Body(context, backward, context.names.scope(), {})
    for dim in context.program.graph.output(str(context.program.target)).shape:
        body.dim(dim)
    saved = saved_bindings(context)
    return [d for d in body.mentioned_dims() if d not in saved]


@once
def saved_bindings(context: Context) -> dict[str, Binding]:
    """The dims that saved arrays tell; one that a branch may leave out tells none."""
    found: dict[str, Binding] = {}
    outputs = dict(context.derivative.forward.outputs)
    for name in context.derivative.saved:
        listed = name in listed_fields(context)
        if may_be_missing(outputs[name]):
            continue
        for binding in readable_from(outputs[name].shape[: 1 if listed else None], name):
            found.setdefault(binding.dim, binding)
    return found


def unpack_cache(context: Context, writer: Writer, cache: str, fields: Mapping[str, Node | None]) -> None:
    names = [cache_names(context)[name] for name in fields]
    if len(names) == 1:
        writer.line(f"{names[0]} = {cache}.{names[0]}")
    elif names:
        writer.line(f"{', '.join(names)} = {cache}")


def bind_from_cache(context: Context, writer: Writer, body: Body) -> None:
    saved = saved_bindings(context)
    outputs = dict(context.derivative.forward.outputs)
    names = cache_names(context)
    listed = listed_fields(context)
    arrays = {n: Holder(names[n], outputs[n].shape, n in listed) for n in context.derivative.saved}
    for line in bind([saved[d] for d in body.dims if d in saved], arrays, context.local):
        writer.line(line)


def cache_scope(context: Context, *names: str) -> Scope:
    """The names of a function that knows the cache's fields, and these."""
    fields = cache_names(context)
    own = (fields[name] for name in cache_fields(context))
    return context.names.scope([*own, *names, workspace_name(context)])


def cache_lists(context: Context, graph: Graph) -> dict[Node, int]:
    """The inputs that are lists in the cache, and how deep these are."""
    listed = listed_fields(context)
    return {node: listed[node["name"]] for node in graph.inputs if node["name"] in listed}
