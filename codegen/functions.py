"""The functions that compute: value_and_grad, grad, forward, backward, predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.model import Argument
from autodiffc.compiler.passes.modes import has_modes

from .attempts import Head, is_scalar, with_guards, write_attempt
from .body import Body
from .boundary import bindings_of, holders, write_call
from .cache import (
    bind_from_cache,
    cache_dims,
    cache_fields,
    cache_lists,
    cache_names,
    cache_scope,
    has_cache,
    saved_bindings,
    unpack_cache,
)
from .context import Context, once, python_type
from .dimtext import bind
from .docstrings import arguments_text, write_docstring
from .names import Scope
from .pytext import Expr
from .randomness import draws, generator_name, parameter, with_generator, write_check
from .results import named_tuple, owned
from .reuse import body_of
from .statements import write_statements
from .workspace import workspace_name, workspace_parameter
from .writer import Writer


def signature(
    context: Context, arguments: Iterable[Argument], generator: bool = False, workspace: bool = False
) -> str:
    """Parameters with their annotations, then the generator of random numbers, then the workspace."""
    return ", ".join(parameters(context, arguments, generator, workspace))


def parameters(
    context: Context, arguments: Iterable[Argument], generator: bool = False, workspace: bool = True
) -> list[str]:
    """The same, one by one."""
    parts = [f"{context.local(a.name)}: {python_type(a)}" for a in arguments]
    drawing = [parameter(context)] if generator and generator_name(context) else []
    return [*parts, *drawing, *(workspace_parameter(context) if workspace else [])]


def write_value_and_grad(context: Context, writer: Writer) -> None:
    """The fast path: forward and backward in one function."""
    program, graph = context.program, context.derivative.value_and_grad
    assert graph is not None
    assert program.target is not None
    target, arguments = program.target, program.arguments
    gradients = [f"d_{name}" for name in program.wrt]

    def begin() -> None:
        summary = f"Return {target} and its gradient with respect to {', '.join(program.wrt)}."
        write_docstring(writer, summary, taken(context, arguments), raises=True)
        write_call(context, writer, arguments)

    def steps(graph: Graph, plain: bool) -> None:
        scope, dims = scope_of(context, arguments), bindings_of(context, arguments)
        body = body_of(context, graph, scope, given_of(context, graph), plain=plain, lent=True, dims=dims)
        results = owned(body, [target, *gradients])
        write_body(context, writer, body, arguments, drawing=True)
        grads = named_tuple(context, "Grads", [results[g] for g in gradients])
        write_statements(context, writer, body, f"return {results[target]}, {grads}")

    head = Head("value_and_grad", parameters(context, arguments, True), "tuple[float, Grads]")
    write_attempt(context, writer, head, graph, begin, steps, partial(_in_two_parts, context))


def _in_two_parts(context: Context) -> list[str]:
    """The lines that compute value and gradient by forward and backward, with guards.

    None where these do more than that: assert something of other outputs, or work on arrays.
    """
    program, derivative = context.program, context.derivative
    assert derivative.backward is not None
    if not (is_scalar(derivative.forward) and is_scalar(derivative.backward)):
        return []
    scope, lent = scope_of(context, program.arguments), list(filter(None, [workspace_name(context)]))
    outputs, cache = scope.fresh("outputs"), scope.fresh("cache")
    head = _forward_head(context)
    forward = with_guards(context, head, derivative.forward, head.names)
    backward = with_guards(context, _backward_head(context), derivative.backward, [cache, "1.0", *lent])
    return [
        f"{outputs}, {cache} = {forward}",
        f"return {outputs}.{context.local(str(program.target))}, {backward}",
    ]


def write_grad(context: Context, writer: Writer) -> None:
    """The gradient alone."""
    arguments = context.program.arguments
    names = ", ".join(context.local(a.name) for a in arguments)
    lent = f", {workspace_name(context)}" if workspace_name(context) else ""
    with writer.block(f"def grad({signature(context, arguments, True, True)}) -> Grads:"):
        summary = f"Return the gradient of {context.program.target}; takes what value_and_grad() takes."
        write_docstring(writer, summary)
        writer.line(f"return {context.ref('value_and_grad')}({with_generator(context, names)}{lent})[1]")


def write_forward(context: Context, writer: Writer) -> None:
    """The outputs, and what backward needs."""
    program, arguments, saved = context.program, context.program.arguments, context.derivative.saved

    def begin() -> None:
        what = (
            "the outputs and what backward() needs"
            if has_cache(context)
            else "the outputs and an empty cache"
        )
        write_docstring(writer, f"Return {what}.", taken(context, arguments), raises=True)
        write_call(context, writer, arguments)

    def steps(graph: Graph, plain: bool) -> None:
        given, outputs = given_of(context, graph), dict(graph.outputs)
        scope, dims = scope_of(context, arguments), bindings_of(context, arguments)
        body = body_of(context, graph, scope, given, cache_names(context), plain=plain, lent=True, dims=dims)
        results = owned(body, list(program.outputs), keep=saved)
        cached = [str(body.value(outputs[name])) for name in saved]
        cached += [body.dim_name(d) for d in cache_dims(context)]
        write_body(context, writer, body, arguments, drawing=True)
        values = named_tuple(context, "Outputs", [results[name] for name in program.outputs])
        cache = named_tuple(context, "Cache", cached) if has_cache(context) else "()"
        write_statements(context, writer, body, f"return {values}, {cache}")

    write_attempt(context, writer, _forward_head(context), context.derivative.forward, begin, steps)


def _forward_head(context: Context) -> Head:
    kind = "Cache" if has_cache(context) else "tuple[()]"
    return Head("forward", parameters(context, context.program.arguments, True), f"tuple[Outputs, {kind}]")


def write_backward(context: Context, writer: Writer) -> None:
    """The gradients from a cache and the target's cotangent."""
    program, graph = context.program, context.derivative.backward
    assert graph is not None
    assert program.target is not None
    names, seed = cache_names(context), program.graph.output(program.target)
    cotangent, cache = _backward_names(context)
    gradients = [f"d_{name}" for name in program.wrt]

    def begin() -> None:
        what = f"the gradients for {cotangent}, the gradient that comes from {program.target}"
        write_docstring(writer, f"Return {what}.")
        if not seed.rank:
            with writer.block(f"if {context.ref('type')}({cotangent}) is not {context.ref('float')}:"):
                writer.line(f'{cotangent} = {context.ref("_scalar")}("{cotangent}", {cotangent})')

    def steps(graph: Graph, plain: bool) -> None:
        scope = cache_scope(context, cotangent, cache)
        given = given_of(context, graph, {**names, f"d_{program.target}": cotangent})
        body = body_of(
            context,
            graph,
            scope,
            given,
            lists=cache_lists(context, graph),
            plain=plain,
            lent=True,
            dims=(*saved_bindings(context), *cache_dims(context)),
        )
        results = owned(body, gradients)
        unpack_cache(context, writer, cache, cache_fields(context))
        checks = _seed_checks(context, body, cotangent, seed) if seed.rank else []
        bind_from_cache(context, writer, body)
        for line in checks:
            writer.line(line)
        grads = named_tuple(context, "Grads", [results[g] for g in gradients])
        write_statements(context, writer, body, f"return {grads}")

    write_attempt(context, writer, _backward_head(context), graph, begin, steps)


def _backward_head(context: Context) -> Head:
    program, (cotangent, cache) = context.program, _backward_names(context)
    seed = program.graph.output(str(program.target))
    default = " = 1.0" if not seed.rank else ""
    taken_ = [f"{cache}: Cache", f"{cotangent}: {python_type(seed)}{default}", *workspace_parameter(context)]
    return Head("backward", taken_, "Grads")


def _backward_names(context: Context) -> tuple[str, str]:
    """What backward calls the target's cotangent and the cache."""
    scope = cache_scope(context)
    return scope.fresh(f"d_{context.local(str(context.program.target))}"), scope.fresh("cache")


def write_predict(context: Context, writer: Writer) -> None:
    """The outputs without the loss."""
    program, graph = context.program, context.derivative.predict
    assert graph is not None
    arguments = predict_arguments(context)
    known = dict(graph.outputs)
    computed = [name for name in program.outputs if name in known]
    if _is_forward(context, graph, arguments):
        _write_predict_by_forward(context, writer, arguments)
        return

    def begin() -> None:
        without = f"; {program.loss} is None" if program.loss is not None else ""
        write_docstring(writer, f"Return the outputs{without}.", arguments_text(arguments), raises=True)
        checker = "_checked" if arguments == program.arguments else "_checked_predict"
        write_call(context, writer, arguments, checker)

    def steps(graph: Graph, plain: bool) -> None:
        scope = context.names.scope([*(context.local(a.name) for a in arguments), workspace_name(context)])
        dims = bindings_of(context, arguments)
        body = body_of(context, graph, scope, given_of(context, graph), plain=plain, lent=True, dims=dims)
        results = owned(body, computed)
        write_body(context, writer, body, arguments)
        values = [results.get(name, "None") for name in program.outputs]
        last = f"return {named_tuple(context, 'Outputs', values)}"
        write_statements(context, writer, body, last)

    head = Head("predict", parameters(context, arguments), "Outputs")
    write_attempt(context, writer, head, graph, begin, steps, partial(_as_forward, context, graph, arguments))


def _as_forward(context: Context, graph: Graph, arguments: Sequence[Argument]) -> list[str]:
    """The line that computes the outputs by forward, with guards.

    None where that is another thing, does more, or keeps the rows of a loop.
    """
    program, forward = context.program, context.derivative.forward
    if arguments != program.arguments or has_modes(program.graph) or graph.bodies or not is_scalar(forward):
        return []
    head = _forward_head(context)
    outputs = f"{with_guards(context, head, forward, head.names)}[0]"
    without = f"._replace({context.local(program.loss)}=None)" if program.loss is not None else ""
    return [f"return {outputs}{without}"]


def _is_forward(context: Context, graph: Graph, arguments: Sequence[Argument]) -> bool:
    """Whether `forward` computes the same, and keeps nothing for it that would take time: rows of steps."""
    program, forward = context.program, dict(context.derivative.forward.outputs)
    same = all(forward.get(name) is node for name, node in graph.outputs) and program.loss is None
    plain = all(node.op.name != "loop" for node in graph.nodes()) and not generator_name(context)
    return context.level < 2 and same and plain and tuple(arguments) == program.arguments


def _write_predict_by_forward(context: Context, writer: Writer, arguments: Sequence[Argument]) -> None:
    names = ", ".join(context.local(a.name) for a in arguments)
    with writer.block(f"def predict({signature(context, arguments)}) -> Outputs:"):
        write_docstring(writer, "Return the outputs; takes what forward() takes.")
        writer.line(f"return {context.ref('forward')}({names})[0]")


# --- arguments and dims ----------------------------------------------------------------------------


@once
def predict_arguments(context: Context) -> tuple[Argument, ...]:
    """All params, the inputs that the outputs need, and those that alone know a dim."""
    graph, program = context.derivative.predict, context.program
    assert graph is not None
    wanted = {n["name"] for n in graph.nodes() if n.op.name == "argument"}
    chosen = [a for a in program.arguments if a.role == "param" or a.name in wanted]
    mentioned = Body(context, graph, context.names.scope(), {}).mentioned_dims()
    missing = mentioned.keys() - bindings_of(context, chosen).keys()
    needed = {b.argument for b in program.bindings if b.dim in missing}
    names = needed.union(a.name for a in chosen)
    return tuple(a for a in program.arguments if a.name in names)


def given_of(context: Context, graph: Graph, renamed: Mapping[str, str] = {}) -> dict[Node, Expr]:
    """The expressions of a graph's arguments."""
    found = {*graph.inputs, *(n for n in graph.nodes() if n.op.name == "argument")}
    return {n: Expr(renamed.get(n["name"]) or context.local(n["name"])) for n in found}


def scope_of(context: Context, arguments: Iterable[Argument]) -> Scope:
    """The names of a function that takes these arguments and draws the model's masks."""
    given = [a.name for a in arguments] + [d.name for d in context.program.draws]
    return context.names.scope([*map(context.local, given), generator_name(context), workspace_name(context)])


def taken(context: Context, arguments: Sequence[Argument]) -> str:
    """The arguments as a docstring has them; the generator last."""
    name = generator_name(context)
    generator = f"{name}: the random numbers of dropout" if name else ""
    return ", ".join(part for part in (arguments_text(arguments), generator) if part)


def write_body(
    context: Context, writer: Writer, body: Body, arguments: Sequence[Argument], drawing: bool = False
) -> None:
    """Bind the dims that a body mentions, and draw its random masks."""
    drawn = draws(context, body) if drawing else []
    bindings = bindings_of(context, arguments)
    order = {a.name: place for place, a in enumerate(arguments)}
    used = sorted((bindings[d] for d in body.dims), key=lambda b: order[b.argument])
    if drawing:
        write_check(context, writer)
    for line in [*bind(used, holders(context, arguments), context.local), *drawn]:
        writer.line(line)


def _seed_checks(context: Context, body: Body, name: str, seed: Node) -> list[str]:
    """The check of a cotangent that is an array."""
    sizes = ", ".join(str(body.dim(d)) for d in seed.shape)
    shape = f"({sizes},)" if seed.rank == 1 else f"({sizes})"
    error = f'{context.ref("_shape_error")}({{"{name}": ({name}, {sizes})}})'
    return [
        f'{name} = {context.ref("_real")}("{name}", {name}, {seed.rank})',
        f"if {name}.shape != {shape}:\n    raise {error}",
    ]
