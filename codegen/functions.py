"""The functions that compute: value_and_grad, grad, forward, backward, predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.model import Argument, Binding
from autodiffc.compiler.ops.control import may_be_missing

from .attempts import Head, write_attempt
from .body import Body
from .boundary import bindings_of, holders, write_call
from .context import Context, once, python_type, value_names
from .dimtext import Holder, bind, readable_from
from .docstrings import arguments_text, write_docstring
from .names import Scope
from .pytext import Expr
from .randomness import draws, generator_name, parameter, with_generator, write_check
from .results import named_tuple, owned
from .reuse import body_of
from .stacks import listed_fields
from .statements import write_statements
from .telling import described, is_stack, result_name
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
    write_attempt(context, writer, head, graph, begin, steps)


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

    kind = "Cache" if has_cache(context) else "tuple[()]"
    head = Head("forward", parameters(context, arguments, True), f"tuple[Outputs, {kind}]")
    write_attempt(context, writer, head, context.derivative.forward, begin, steps)


def write_backward(context: Context, writer: Writer) -> None:
    """The gradients from a cache and the target's cotangent."""
    program, graph = context.program, context.derivative.backward
    assert graph is not None
    assert program.target is not None
    names, seed = cache_names(context), program.graph.output(program.target)
    scope = _cache_scope(context)
    cotangent, cache = scope.fresh(f"d_{context.local(program.target)}"), scope.fresh("cache")
    gradients = [f"d_{name}" for name in program.wrt]

    def begin() -> None:
        what = f"the gradients for {cotangent}, the gradient that comes from {program.target}"
        write_docstring(writer, f"Return {what}.")
        if not seed.rank:
            with writer.block(f"if {context.ref('type')}({cotangent}) is not {context.ref('float')}:"):
                writer.line(f'{cotangent} = {context.ref("_scalar")}("{cotangent}", {cotangent})')

    def steps(graph: Graph, plain: bool) -> None:
        scope = _cache_scope(context, cotangent, cache)
        given = given_of(context, graph, {**names, f"d_{program.target}": cotangent})
        body = body_of(
            context,
            graph,
            scope,
            given,
            lists=_cache_lists(context, graph),
            plain=plain,
            lent=True,
            dims=(*_saved_bindings(context), *cache_dims(context)),
        )
        results = owned(body, gradients)
        _unpack_cache(context, writer, cache, cache_fields(context))
        checks = _seed_checks(context, body, cotangent, seed) if seed.rank else []
        _bind_from_cache(context, writer, body)
        for line in checks:
            writer.line(line)
        grads = named_tuple(context, "Grads", [results[g] for g in gradients])
        write_statements(context, writer, body, f"return {grads}")

    default = " = 1.0" if not seed.rank else ""
    taken_ = [f"{cache}: Cache", f"{cotangent}: {python_type(seed)}{default}", *workspace_parameter(context)]
    write_attempt(context, writer, Head("backward", taken_, "Grads"), graph, begin, steps)


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
    write_attempt(context, writer, head, graph, begin, steps)


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


# --- the cache -------------------------------------------------------------------------------------


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
    saved = _saved_bindings(context)
    return [d for d in body.mentioned_dims() if d not in saved]


@once
def _saved_bindings(context: Context) -> dict[str, Binding]:
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


def _unpack_cache(context: Context, writer: Writer, cache: str, fields: Mapping[str, Node | None]) -> None:
    names = [cache_names(context)[name] for name in fields]
    if len(names) == 1:
        writer.line(f"{names[0]} = {cache}.{names[0]}")
    elif names:
        writer.line(f"{', '.join(names)} = {cache}")


def _bind_from_cache(context: Context, writer: Writer, body: Body) -> None:
    saved = _saved_bindings(context)
    outputs = dict(context.derivative.forward.outputs)
    names = cache_names(context)
    listed = listed_fields(context)
    arrays = {n: Holder(names[n], outputs[n].shape, n in listed) for n in context.derivative.saved}
    for line in bind([saved[d] for d in body.dims if d in saved], arrays, context.local):
        writer.line(line)


def _cache_scope(context: Context, *names: str) -> Scope:
    """The names of a function that knows the cache's fields, and these."""
    fields = cache_names(context)
    own = (fields[name] for name in cache_fields(context))
    return context.names.scope([*own, *names, workspace_name(context)])


def _cache_lists(context: Context, graph: Graph) -> dict[Node, int]:
    """The inputs that are lists in the cache, and how deep these are."""
    listed = listed_fields(context)
    return {node: listed[node["name"]] for node in graph.inputs if node["name"] in listed}


def _seed_checks(context: Context, body: Body, name: str, seed: Node) -> list[str]:
    """The check of a cotangent that is an array."""
    sizes = ", ".join(str(body.dim(d)) for d in seed.shape)
    shape = f"({sizes},)" if seed.rank == 1 else f"({sizes})"
    error = f'{context.ref("_shape_error")}({{"{name}": ({name}, {sizes})}})'
    return [
        f'{name} = {context.ref("_real")}("{name}", {name}, {seed.rank})',
        f"if {name}.shape != {shape}:\n    raise {error}",
    ]
