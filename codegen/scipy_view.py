"""What SciPy takes: objective, objective_hessp, objective_hess, residuals, bounds.

    def objective(x, y, *, H) -> Callable[[ndarray], tuple[float, ndarray]]:
        x, y = _checked_inputs(x, y)
        ...
        return partial(_value_and_slope, (x, y), {"D": D, "H": H})

Each binds the inputs, and what it returns is a function of theta = pack(params) alone.
"""

from __future__ import annotations

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


def has_residuals(context: Context) -> bool:
    """Whether the Jacobian was asked for, and is one by params alone."""
    return "jacobian" in context.derivative.emit and is_by_params(context)


def binds_inputs(context: Context) -> bool:
    """Whether a function binds the inputs, so that they are checked by themselves."""
    return bool(context.program.inputs) and (has_objective(context) or has_residuals(context))


# --- scalars ---------------------------------------------------------------------------------------


def write_objective(context: Context, writer: Writer) -> None:
    """A function of the vector alone, for scipy.optimize.minimize(…, jac=True)."""
    target, kind = context.program.target, f"{context.ref('Callable')}[[ndarray], tuple[float, ndarray]]"
    with writer.block(f"def objective({_parameters(context)}) -> {kind}:"):
        write_docstring(
            writer,
            f"Return the function of theta = pack(params) that gives {target} and its gradient.",
            "It can be pickled; scipy.optimize.minimize takes it with jac=True and bounds=bounds(params)."
            + _drawing(context, "call"),
        )
        _write_partial(context, writer, "_value_and_slope")
    writer.blank(2)
    with writer.block(f"def _value_and_slope({_bound(context)}, theta):"):
        writer.line("params = unpack(theta, **sizes)")
        writer.line(f"value, grads = value_and_grad({with_generator(context, '*inputs, *params')})")
        _write_filled(context, writer, "grads", f"map({context.ref('np')}.zeros_like, params)")
        writer.line(f"return value, {_flat(context, 'grads')}")


def write_objective_hessp(context: Context, writer: Writer) -> None:
    """The Hessian's products, for scipy.optimize.minimize(…, hessp=…)."""
    target, kind = context.program.target, f"{context.ref('Callable')}[[ndarray, ndarray], ndarray]"
    with writer.block(f"def objective_hessp({_parameters(context)}) -> {kind}:"):
        write_docstring(
            writer,
            f"Return the function of theta = pack(params) and p that gives the Hessian of {target} times p.",
            "It can be pickled; scipy.optimize.minimize takes it as hessp, beside objective(…)."
            + _drawing(context, "call"),
        )
        _write_partial(context, writer, "_hessian_times")
    writer.blank(2)
    vectors = "*v" if _is_whole(context) else ", ".join(f"v.{n}" for n in _wrt(context))
    with writer.block(f"def _hessian_times({_bound(context)}, theta, p):"):
        writer.line("params, v = unpack(theta, **sizes), unpack(p, **sizes)")
        writer.line(f"product = hvp({with_generator(context, f'*inputs, *params, {vectors}')})")
        _write_filled(context, writer, "product", f"map({context.ref('np')}.zeros_like, params)")
        writer.line(f"return {_flat(context, 'product')}")


def write_objective_hess(context: Context, writer: Writer) -> None:
    """The Hessian, for scipy.optimize.minimize(…, hess=…)."""
    target, kind = context.program.target, f"{context.ref('Callable')}[[ndarray], ndarray]"
    with writer.block(f"def objective_hess({_parameters(context)}) -> {kind}:"):
        write_docstring(
            writer,
            f"Return the function of theta = pack(params) that gives the Hessian of {target}.",
            "It can be pickled; scipy.optimize.minimize takes it as hess, beside objective(…)."
            + _drawing(context, "call"),
        )
        _write_partial(context, writer, "_hessian_at")
    writer.blank(2)
    _write_hessian_at(context, writer)


def _write_hessian_at(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    with writer.block(f"def _hessian_at({_bound(context)}, theta):"):
        writer.line("params = unpack(theta, **sizes)")
        found = f"hessian({with_generator(context, '*inputs, *params')})"
        if _is_whole(context):
            single = "" if context.dtype == "float64" else f".astype({np_}.float64)"
            writer.line(f"return {found}{single}")
            return
        parts = ", ".join(f"{np_}.ravel(places.{name})" for name in _wrt(context))
        writer.line(f"places = unpack({np_}.arange({np_}.size(theta)), **sizes)")
        writer.line(f"rows = {np_}.concatenate([{parts}]).astype(int)")
        writer.line(f"full = {np_}.zeros(({np_}.size(theta), {np_}.size(theta)))")
        writer.line(f"full[{np_}.ix_(rows, rows)] = {found}")
        writer.line("return full")


# --- vectors ---------------------------------------------------------------------------------------


def write_residuals(context: Context, writer: Writer) -> None:
    """A vector with its Jacobian, for least_squares, root and NonlinearConstraint."""
    _write_class(context, writer)
    writer.blank(2)
    target = context.program.target
    with writer.block(f"def residuals({_parameters(context)}) -> Residuals:"):
        write_docstring(
            writer,
            f"Return {target} and its Jacobian as functions of theta = pack(params): fun and jac.",
            "Both can be pickled; scipy.optimize takes them in least_squares, in root where as many numbers "
            "go in as come out, and as fun and jac of a constraint." + _drawing(context, "theta"),
        )
        given = _write_checks(context, writer)
        writer.line(f"return {context.ref('Residuals')}({given})")


def _write_class(context: Context, writer: Writer) -> None:
    target, np_ = context.program.target, context.ref("np")
    with writer.block("class Residuals:"):
        writer.line(f'"""{target} and its Jacobian, computed together; those of the last theta are kept."""')
        writer.blank()
        with writer.block(f"def __init__(self, {_bound(context)}):"):
            writer.line(f"self._given = {_bound(context)}")
            writer.line("self._last = None  # replaced as a whole, so that threads may share it")
        writer.blank()
        with writer.block("def __reduce__(self):"):
            writer.line("return Residuals, self._given  # a pickle leaves out what is kept")
        writer.blank()
        with writer.block("def fun(self, theta: ndarray) -> ndarray:"):
            writer.line(f'"""Return {target} as a vector."""')
            writer.line(f"return {np_}.array(self._at(theta)[1], {np_}.float64).reshape(-1)")
        writer.blank()
        _write_jac(context, writer)
        writer.blank()
        _write_arrays_of_bounds(context, writer)
        writer.blank()
        _write_at(context, writer)


def _write_jac(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    with writer.block("def jac(self, theta: ndarray) -> ndarray:"):
        writer.line('"""Return the Jacobian: a row for each number of fun, a column for each of theta."""')
        writer.line("params, value, found = self._at(theta)")
        zeros = f"{np_}.zeros({np_}.shape(value) + {np_}.shape(p))"
        _write_filled(context, writer, "found", f"({zeros} for p in params)")
        block = f"{np_}.reshape(J, ({np_}.size(value), {np_}.size(p)))"
        writer.line(f"blocks = [{block} for J, p in zip(found, params)]")
        writer.line(f"return {np_}.concatenate(blocks, axis=1, dtype={np_}.float64)")


def _write_arrays_of_bounds(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    writer.line("@staticmethod")
    with writer.block("def bounds(params: Params) -> tuple[ndarray, ndarray]:"):
        writer.line('"""Return the lower and the upper bounds of theta as least_squares takes them."""')
        writer.line(f"low, high = {np_}.array(bounds(params), {np_}.float64).reshape(-1, 2).T")
        open_ = [f"{np_}.where({np_}.isnan({n}), {s}{np_}.inf, {n})" for n, s in (("low", "-"), ("high", ""))]
        writer.line(f"return {', '.join(open_)}")


def _write_at(context: Context, writer: Writer) -> None:
    with writer.block("def _at(self, theta):"):
        writer.line(f"{_bound(context)} = self._given")
        writer.line("params = unpack(theta, **sizes)")
        writer.line(f"key = {context.ref('np')}.asarray(theta, {context.ref('np')}.float64).tobytes()")
        writer.line("last = self._last")
        with writer.block("if last is None or last[0] != key:"):
            found = f"value_and_jacobian({with_generator(context, '*inputs, *params')})"
            writer.line(f"self._last = last = (key, params, *{found})")
        writer.line("return last[1:]")


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


def _parameters(context: Context) -> str:
    """The inputs, the generator, and by name the dims of the params that the inputs don't tell."""
    named = keywords(context, _named_dims(context))
    return ", ".join(part for part in (signature(context, _inputs(context), True), named) if part)


def _named_dims(context: Context) -> list[str]:
    known = bindings_of(context, _inputs(context))
    return [d for d in dims_of(context.program.params) if d not in known]


def _write_partial(context: Context, writer: Writer, function: str) -> None:
    """The function with everything bound but theta."""
    given = _write_checks(context, writer)
    writer.line(f"return {context.ref('partial')}({context.ref(function)}, {given})")


def _write_checks(context: Context, writer: Writer) -> str:
    """Check the inputs and the sizes; the text of what is bound, in the order of `_bound`."""
    inputs, dims = _inputs(context), dims_of(context.program.params)
    write_call(context, writer, inputs, "_checked_inputs")
    write_check(context, writer)
    check_sizes(context, writer, _named_dims(context))
    bindings = bindings_of(context, inputs)
    for line in bind([bindings[d] for d in dims if d in bindings], holders(context, inputs), context.local):
        writer.line(line)
    given = tuple_of([context.local(a.name) for a in inputs])
    sizes = ", ".join(f'"{context.local(d)}": {context.local(d)}' for d in dims)
    return with_generator(context, f"{given}, {{{sizes}}}")


def _drawing(context: Context, occasion: str) -> str:
    return f" Each {occasion} draws anew." if generator_name(context) else ""


def _bound(context: Context) -> str:
    return with_generator(context, "inputs, sizes")


def _wrt(context: Context) -> list[str]:
    return [context.local(name) for name in context.program.wrt]


def _is_whole(context: Context) -> bool:
    """Whether Grads has the fields of Params, in their order."""
    return tuple(a.name for a in context.program.params) == context.program.wrt


def _write_filled(context: Context, writer: Writer, grads: str, zeros: str) -> None:
    """Zeros for the params that are held fixed, so that every param has its derivative, in order."""
    if not _is_whole(context):
        writer.line(f"zeros = {zeros}")
        writer.line(f"{grads} = Params(*zeros)._replace(**{grads}._asdict())")


def _flat(context: Context, grads: str) -> str:
    """A gradient as a vector in the order of pack."""
    np_ = context.ref("np")
    if all(not a.type.rank for a in context.program.params):
        return f"{np_}.array({grads}, {np_}.float64)"
    return f"{np_}.concatenate([{np_}.ravel(g) for g in {grads}], dtype={np_}.float64)"
