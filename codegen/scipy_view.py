"""What SciPy's minimize takes: objective, objective_hessp, objective_hess, bounds.

    def objective(x, y, *, H) -> Callable[[ndarray], tuple[float, ndarray]]:
        x, y = _checked_inputs(x, y)
        ...
        return partial(_value_and_slope, (x, y), {"D": D, "H": H})

Each binds the inputs, and what it returns is a function of theta = pack(params) alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.compiler.model import Argument

from .boundary import bindings_of, holders, limits, write_call
from .context import Context
from .dimtext import bind
from .docstrings import write_docstring
from .functions import signature
from .parameters import check_sizes, dims_of, keywords
from .pytext import tuple_of
from .randomness import generator_name, with_generator, write_check
from .writer import Writer


def is_by_params(context: Context) -> bool:
    """Whether the derivative is one by params alone, so that an optimiser can follow it."""
    params = {a.name for a in context.program.params}
    wrt = context.program.wrt
    return context.program.target is not None and bool(wrt) and params.issuperset(wrt)


def has_objective(context: Context) -> bool:
    """Whether there is a scalar to minimise over the params."""
    return context.derivative.value_and_grad is not None and is_by_params(context)


def has_hessp(context: Context) -> bool:
    """Whether the Hessian's products were asked for, and the objective is there that they belong to."""
    return "hvp" in context.derivative.emit and has_objective(context)


def has_hess(context: Context) -> bool:
    """Whether the Hessian was asked for, and the objective is there that it belongs to."""
    return "hessian" in context.derivative.emit and has_objective(context)


def binds_inputs(context: Context) -> bool:
    """Whether functions bind the inputs, so that these are checked by themselves."""
    asked = has_objective(context) or "jacobian" in context.derivative.emit
    return bool(context.program.inputs) and is_by_params(context) and asked


# --- scalars ---------------------------------------------------------------------------------------


def write_objective(context: Context, writer: Writer) -> None:
    """A function of the vector alone, for scipy.optimize.minimize(…, jac=True)."""
    target = context.program.target
    _write_function(
        context,
        writer,
        ("objective", "_value_and_slope"),
        "[ndarray], tuple[float, ndarray]",
        f"theta = pack(params) that gives {target} and its gradient.",
        "with jac=True and bounds=bounds(params).",
    )
    writer.blank(2)
    with writer.block(f"def _value_and_slope({_given(context)}, theta):"):
        writer.line("params = unpack(theta, **sizes)")
        writer.line(f"value, grads = value_and_grad({with_generator(context, '*inputs, *params')})")
        write_filled(context, writer, "grads", f"map({context.ref('np')}.zeros_like, params)")
        writer.line(f"return value, {_flat(context, 'grads')}")


def _write_function(
    context: Context, writer: Writer, names: tuple[str, str], kind: str, of: str, taken: str
) -> None:
    """A function of the inputs, whose name comes first, that gives the second with these in place."""
    public, private = names
    with writer.block(f"def {public}({parameters(context)}) -> {context.ref('Callable')}[{kind}]:"):
        details = f"It can be pickled; scipy.optimize.minimize takes it {taken}" + drawing(context, "call")
        write_docstring(writer, f"Return the function of {of}", details)
        _write_partial(context, writer, private)


def write_objective_hessp(context: Context, writer: Writer) -> None:
    """The Hessian's products, for scipy.optimize.minimize(…, hessp=…)."""
    target = context.program.target
    _write_function(
        context,
        writer,
        ("objective_hessp", "_hessian_times"),
        "[ndarray, ndarray], ndarray",
        f"theta = pack(params) and p that gives the Hessian of {target} times p.",
        "as hessp, beside objective(…).",
    )
    writer.blank(2)
    vectors = "*v" if is_whole(context) else ", ".join(f"v.{n}" for n in _wrt(context))
    with writer.block(f"def _hessian_times({_given(context)}, theta, p):"):
        writer.line("params, v = unpack(theta, **sizes), unpack(p, **sizes)")
        writer.line(f"product = hvp({with_generator(context, f'*inputs, *params, {vectors}')})")
        write_filled(context, writer, "product", f"map({context.ref('np')}.zeros_like, params)")
        writer.line(f"return {_flat(context, 'product')}")


def write_objective_hess(context: Context, writer: Writer) -> None:
    """The Hessian, for scipy.optimize.minimize(…, hess=…)."""
    target = context.program.target
    _write_function(
        context,
        writer,
        ("objective_hess", "_hessian_at"),
        "[ndarray], ndarray",
        f"theta = pack(params) that gives the Hessian of {target}.",
        "as hess, beside objective(…).",
    )
    writer.blank(2)
    _write_hessian_at(context, writer)


def _write_hessian_at(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    with writer.block(f"def _hessian_at({_given(context)}, theta):"):
        writer.line("params = unpack(theta, **sizes)")
        found = f"hessian({with_generator(context, '*inputs, *params')})"
        if is_whole(context):
            single = "" if context.dtype == "float64" else f".astype({np_}.float64)"
            writer.line(f"return {found}{single}")
            return
        writer.line(f"places = {context.ref('_places')}(sizes, {np_}.size(theta))")
        writer.line(f"full = {np_}.zeros(({np_}.size(theta), {np_}.size(theta)))")
        writer.line(f"full[{np_}.ix_(places, places)] = {found}")
        writer.line("return full")


def needs_places(context: Context) -> bool:
    """Whether a matrix by the params of Grads has to be put into one by theta."""
    by_theta = has_hess(context) or (
        is_by_params(context) and any(s.name == "jacobian" for s in context.derivative.sparse)
    )
    return by_theta and not is_whole(context)


def write_places(context: Context, writer: Writer) -> None:
    """Where in theta the elements of Grads are."""
    np_ = context.ref("np")
    parts = ", ".join(f"{np_}.ravel(at.{name})" for name in _wrt(context))
    with writer.block("def _places(sizes, count):"):
        writer.line('"""Where in theta the numbers are that Grads has, in the order of Grads."""')
        writer.line(f"at = unpack({np_}.arange(count), **sizes)")
        writer.line(f"return {np_}.concatenate([{parts}]).astype(int)")


# --- bounds ----------------------------------------------------------------------------------------


def write_bounds(context: Context, writer: Writer) -> None:
    """The constraints of the params as an optimiser takes them."""
    scope = context.names.scope()
    name, np_ = scope.fresh("params"), context.ref("np")
    params = context.program.params
    with writer.block(f"def bounds({name}: Params) -> list[tuple[float | None, float | None]]:"):
        write_docstring(
            writer, "Return a pair (low, high) for each element of pack(params); None where it is open."
        )
        pairs = [f"({', '.join(limits(p.bounds, context.dtype))})" for p in params]
        if len(set(pairs)) == 1 and len(params) > 1:
            scalars = all(not p.type.rank for p in params)
            count = str(len(params)) if scalars else f"{context.ref('sum')}(map({np_}.size, {name}))"
            writer.line(f"return [{pairs[0]}] * {count}")
            return
        parts: list[str] = []
        for pair, param in zip(pairs, params):
            if param.type.rank:
                parts.append(f"[{pair}] * {np_}.size({name}.{context.local(param.name)})")
            elif parts and parts[-1].endswith("]"):
                parts[-1] = f"{parts[-1][:-1]}, {pair}]"
            else:
                parts.append(f"[{pair}]")
        writer.line(f"return {' + '.join(parts)}")


# --- what all share --------------------------------------------------------------------------------


def _inputs(context: Context) -> tuple[Argument, ...]:
    return context.program.inputs


def parameters(context: Context) -> str:
    """The inputs, the generator, and by name the dims of the params that the inputs don't tell."""
    named = keywords(context, _named_dims(context))
    return ", ".join(part for part in (signature(context, _inputs(context), True), named) if part)


def _named_dims(context: Context) -> list[str]:
    known = bindings_of(context, _inputs(context))
    return [d for d in dims_of(context.program.params) if d not in known]


def _write_partial(context: Context, writer: Writer, function: str) -> None:
    """The function with everything bound but theta."""
    given = ", ".join(write_checks(context, writer))
    bound = with_generator(context, f"{context.ref(function)}, {given}")
    writer.line(f"return {context.ref('partial')}({bound})")


def write_checks(context: Context, writer: Writer, more: Sequence[str] = ()) -> tuple[str, str]:
    """Check the inputs and the sizes, and read the dims of the params and some more.

    The texts of the inputs, as a tuple, and of the sizes of the params, as a dict.
    """
    inputs, dims = _inputs(context), dims_of(context.program.params)
    write_call(context, writer, inputs, "_checked_inputs")
    write_check(context, writer)
    check_sizes(context, writer, _named_dims(context))
    bindings = bindings_of(context, inputs)
    read = [bindings[d] for d in dict.fromkeys([*dims, *more]) if d in bindings]
    for line in bind(read, holders(context, inputs), context.local):
        writer.line(line)
    given = tuple_of([context.local(a.name) for a in inputs])
    sizes = ", ".join(f'"{context.local(d)}": {context.local(d)}' for d in dims)
    return str(given), f"{{{sizes}}}"


def drawing(context: Context, occasion: str) -> str:
    """What to say of a function that draws."""
    return f" Each {occasion} draws anew." if generator_name(context) else ""


def _given(context: Context) -> str:
    return with_generator(context, "inputs, sizes")


def _wrt(context: Context) -> list[str]:
    return [context.local(name) for name in context.program.wrt]


def is_whole(context: Context) -> bool:
    """Whether Grads has the fields of Params, in their order."""
    return tuple(a.name for a in context.program.params) == context.program.wrt


def write_filled(context: Context, writer: Writer, grads: str, zeros: str) -> None:
    """Zeros for the params that are held fixed, so that every param has its derivative, in order."""
    if not is_whole(context):
        writer.line(f"zeros = {zeros}")
        writer.line(f"{grads} = Params(*zeros)._replace(**{grads}._asdict())")


def _flat(context: Context, grads: str) -> str:
    """A gradient as a vector in the order of pack."""
    np_ = context.ref("np")
    if all(not a.type.rank for a in context.program.params):
        return f"{np_}.array({grads}, {np_}.float64)"
    return f"{np_}.concatenate([{np_}.ravel(g) for g in {grads}], dtype={np_}.float64)"
