"""The functions on request: jvp, vjp, hvp, gauss_newton, jacobian, hessian.

def jvp(x, w, w_dot) -> tuple[float, float]:
    ...
    return y, y_dot
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autodiffc.compiler.model import Argument, Requested

from .boundary import bindings_of, write_call, write_checker
from .context import PYTHON, Context, once
from .docstrings import write_docstring
from .functions import given_of, scope_of, signature, taken, write_body
from .randomness import with_generator
from .results import owned
from .reuse import body_of
from .statements import write_statements
from .writer import Writer

PRODUCTS = ("hvp", "gauss_newton")
SUMMARIES = {
    "jvp": "Return {target} and its tangent along {vectors}.",
    "hvp": "Return the product of the Hessian of {target} with {vectors}.",
    "gauss_newton": "Return the product of the Gauss-Newton matrix of {target} with {vectors}.",
    "value_and_jacobian": "Return {target} and its derivative by {wrt}, with the axes of {target} first.",
    "hessian": "Return the Hessian of {target}: rows and columns in the order of {order}.",
}


def write_requested(context: Context, writer: Writer, function: Requested) -> None:
    """A function on request that has a graph of its own."""
    program, graph = context.program, function.graph
    arguments = (*program.arguments, *vectors_of(context, function))
    scope, dims = scope_of(context, arguments), bindings_of(context, arguments)
    body = body_of(context, graph, scope, given_of(context, graph), lent=True, dims=dims)
    names = [name for name, _ in graph.outputs if name]  # checks have none
    results = owned(body, names)
    taking = signature(context, arguments, True, True)
    with writer.block(f"def {function.name}({taking}) -> {_result_type(context, function)}:"):
        write_docstring(writer, _summary(context, function), taken(context, arguments), raises=True)
        write_call(context, writer, arguments, _checker(context, function))
        write_body(context, writer, body, arguments, drawing=True)
        last = f"return {_returned(context, function, [results[name] for name in names])}"
        body.shows_formulas = False  # those are of a gradient's steps
        write_statements(context, writer, body, last)


def write_vjp(context: Context, writer: Writer) -> None:
    """The target and the function from its cotangent to the gradients."""
    program = context.program
    arguments, target = program.arguments, str(program.target)
    value = program.graph.output(target)
    kind = "ndarray" if value.rank else PYTHON[value.type.kind]
    callable_ = f"{context.ref('Callable')}[[{kind}], Grads]"
    names = with_generator(context, ", ".join(context.local(a.name) for a in arguments))
    scope = scope_of(context, arguments)
    outputs, cache = scope.fresh("outputs"), scope.fresh("cache")
    with writer.block(f"def vjp({signature(context, arguments, True)}) -> tuple[{kind}, {callable_}]:"):
        write_docstring(
            writer,
            f"Return {target} and the function that takes a cotangent of it to the gradients.",
            taken(context, arguments),
            raises=True,
        )
        writer.line(f"{outputs}, {cache} = {context.ref('forward')}({names})")
        backward = f"{context.ref('partial')}({context.ref('backward')}, {cache})"
        writer.line(f"return {outputs}.{context.local(target)}, {backward}")


def write_vector_checkers(context: Context, writer: Writer) -> None:
    """The checkers of functions that take vectors; those with the same vectors share one."""
    for name, arguments in _vector_checkers(context).items():
        writer.blank(2)
        write_checker(context, writer, arguments, name)


def vectors_declared(context: Context) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What `_DECLARED` has to say of the vectors."""
    for arguments in _vector_checkers(context).values():
        for argument in arguments[len(context.program.arguments) :]:
            dims = argument.declared or tuple(map(str, argument.type.shape))
            yield context.local(argument.name), (argument.type.kind, *dims)


def vectors_of(context: Context, function: Requested) -> tuple[Argument, ...]:
    """The arguments after the model's: shaped like wrt values, without their constraints."""
    types = {node["name"]: node.type for node in function.graph.inputs}
    declared = {a.name: a.declared for a in context.program.arguments}
    span = context.program.arguments[0].span
    return tuple(
        Argument(name, "input", types[name], span, declared=declared.get(like, ()))
        for name, like in function.vectors
    )


@once
def _vector_checkers(context: Context) -> dict[str, tuple[Argument, ...]]:
    functions = [f for f in context.derivative.requested if f.vectors]
    return {_checker(context, f): (*context.program.arguments, *vectors_of(context, f)) for f in functions}


def _checker(context: Context, function: Requested) -> str:
    if not function.vectors:
        return "_checked"
    return "_checked_tangents" if function.name == "jvp" else "_checked_vectors"


def _result_type(context: Context, function: Requested) -> str:
    if function.name == "hessian":
        return "ndarray"
    if function.name in PRODUCTS:
        return "Grads"
    kinds = [
        "ndarray" if node.rank else PYTHON[node.type.kind] for name, node in function.graph.outputs if name
    ]
    return f"tuple[{', '.join(kinds if function.name == 'jvp' else [kinds[0], 'Grads'])}]"


def _returned(context: Context, function: Requested, values: Sequence[str]) -> str:
    grads = context.ref("Grads") if function.name not in ("jvp", "hessian") else ""
    if function.name == "value_and_jacobian":
        return f"{values[0]}, {grads}({', '.join(values[1:])})"
    return f"{grads}({', '.join(values)})" if grads else ", ".join(values)


def write_jacobian(context: Context, writer: Writer) -> None:
    """The derivatives alone."""
    arguments = context.program.arguments
    names = with_generator(context, ", ".join(context.local(a.name) for a in arguments))
    with writer.block(f"def jacobian({signature(context, arguments, True)}) -> Grads:"):
        what = f"Return the derivative of {context.program.target}"
        write_docstring(writer, f"{what}; takes what value_and_jacobian() takes.")
        writer.line(f"return {context.ref('value_and_jacobian')}({names})[1]")


def _summary(context: Context, function: Requested) -> str:
    program = context.program
    return SUMMARIES[function.name].format(
        target=program.target,
        vectors=", ".join(context.local(name) for name, _ in function.vectors),
        wrt=", ".join(program.wrt),
        order=order(context),
    )


def order(context: Context) -> str:
    """The order of the elements of all wrt values, in words."""
    program = context.program
    same = tuple(a.name for a in program.params) == program.wrt
    return "pack()" if same else ", ".join(program.wrt)
