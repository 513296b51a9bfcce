"""The functions about params: init_params, pack, unpack.

def unpack(theta: ndarray, *, H: int) -> Params:
    ...
    return Params(theta[: 3 * H].reshape(3, H), float(theta[end_b]))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from autodiffc.compiler.model import Argument, Initialiser
from autodiffc.compiler.types import Dim, size_of

from .context import Context
from .dimtext import dim_expr
from .docstrings import arguments_text, write_docstring
from .names import Scope
from .pytext import ADD, MULTIPLY, Expr, number, tuple_of
from .writer import Writer


def dims_of(arguments: Sequence[Argument]) -> list[str]:
    """The run-time dims in the types of these arguments, in the order of their appearance."""
    found: dict[str, None] = {}
    for argument in arguments:
        for size in argument.type.shape:
            found.update(dict.fromkeys(sorted(size.symbols)))
    return list(found)


def keywords(context: Context, dims: Sequence[str]) -> str:
    """The parameters for dims, given by name alone."""
    return f"*, {', '.join(f'{context.local(d)}: int' for d in dims)}" if dims else ""


def check_sizes(context: Context, writer: Writer, dims: Sequence[str]) -> None:
    """TypeError or ValueError unless the dims are sizes."""
    for dim in dims:
        local = context.local(dim)
        writer.line(f'{local} = {context.ref("_size")}("{local}", {local})')


def _size_text(context: Context, size: Dim) -> Expr:
    return dim_expr(size, context.local, context.ref)


# --- init_params -----------------------------------------------------------------------------------


def write_init_params(context: Context, writer: Writer) -> None:
    """Params from the model's initialisers."""
    params = context.program.params
    dims = dims_of(params)
    scope = _scope(context, dims)
    seed, rng = scope.fresh("rng_or_seed"), scope.fresh("rng")
    random = any(_init(a).kind in ("uniform", "normal", "xavier", "kaiming", "orthogonal") for a in params)
    named = keywords(context, dims)
    any_seed = f"{seed}: int | np.random.Generator | None = None"
    with writer.block(f"def init_params({', '.join(p for p in (any_seed, named) if p)}) -> Params:"):
        write_docstring(
            writer, "Return params to start from: the same seed, the same params.", arguments_text(params)
        )
        check_sizes(context, writer, dims)
        if random:
            writer.line(f"{rng} = {context.ref('np')}.random.default_rng({seed})")
        with _multiline(writer, f"return {context.ref('Params')}("):
            for param in params:
                writer.line(f"{context.local(param.name)}={_initial(context, param, rng)},")


class _multiline:
    """A call with an argument a line."""

    def __init__(self, writer: Writer, head: str):
        self.writer, self.head = writer, head

    def __enter__(self) -> None:
        self.writer.line(self.head)
        self.writer.depth += 1

    def __exit__(self, *_: object) -> None:
        self.writer.depth -= 1
        self.writer.line(")")


def _init(param: Argument) -> Initialiser:
    assert param.init is not None
    return param.init


def _initial(context: Context, param: Argument, rng: str) -> str:
    init = _init(param)
    if not param.type.rank:
        return _initial_scalar(context, param, init, rng)
    np_ = context.ref("np")
    sizes = [_size_text(context, d) for d in param.type.shape]
    shape = str(tuple_of(sizes))
    extent = shape if len(sizes) > 1 else str(sizes[0])
    dtype = context.numpy_type(param.type).replace("np.", f"{np_}.")
    typed = "" if dtype == f"{np_}.float64" else f", {dtype}"
    a = [str(number(float(n), context.ref, "np")) for n in init.numbers]
    if init.kind in ("zeros", "ones"):
        return f"{np_}.{init.kind}({extent}{typed})"
    if init.kind == "full":
        return f"{np_}.full({extent}, {a[0]}{typed})"
    if init.kind == "value":
        return _initial_value(context, param, init, shape, dtype)
    if init.kind in ("uniform", "normal"):
        text = f"{rng}.{init.kind}({', '.join(a)}, {extent})"
    else:
        weights = "_kernels" if init.convolves else ""
        text = f"{context.ref(f'_{init.kind}{weights}')}({rng}, {', '.join(map(str, sizes))})"
    return text if not typed else f"{text}.astype({dtype})"


def _initial_scalar(context: Context, param: Argument, init: Initialiser, rng: str) -> str:
    if init.kind in ("uniform", "normal"):
        return f"{rng}.{init.kind}({', '.join(str(number(float(n), context.ref)) for n in init.numbers)})"
    value = {"zeros": 0.0, "ones": 1.0}.get(init.kind, 0.0)
    if init.kind == "full":
        value = init.numbers[0]
    if init.kind == "value" and init.value is not None:
        value = np.asarray(init.value).item()
    converted = float(value) if param.type.kind == "real" else value
    return str(number(converted, context.ref))


def _initial_value(context: Context, param: Argument, init: Initialiser, shape: str, dtype: str) -> str:
    np_ = context.ref("np")
    value = np.asarray(init.value)
    if not value.ndim:
        return f"{np_}.full({shape}, {number(value.item(), context.ref)}, {dtype})"
    kind = float if param.type.kind == "real" else int
    return f"{np_}.array({nested(value.astype(kind).tolist(), context.ref)}, {dtype})"


def nested(value: object, ref: Callable[[str], str] = str) -> str:
    """A nested list of numbers as text."""
    if isinstance(value, list):
        return f"[{', '.join(nested(v, ref) for v in value)}]"
    assert isinstance(value, (bool, int, float))
    return str(number(value, ref, "np"))


# --- the flat view ---------------------------------------------------------------------------------


def write_pack(context: Context, writer: Writer) -> None:
    """All params as one vector."""
    scope, program = context.names.scope(), context.program
    params, np_ = scope.fresh("params"), context.ref("np")
    checker = context.ref("_checked_params" if program.inputs else "_checked")
    with writer.block(f"def pack({params}: Params) -> ndarray:"):
        write_docstring(writer, "Return all params as one vector of float64, in the order of Params.")
        if len(program.params) == 1:
            writer.line(f"return {np_}.array({checker}(*{params}), {np_}.float64).reshape(-1)")
        elif all(not a.type.rank for a in program.params):
            writer.line(f"return {np_}.array({checker}(*{params}), {np_}.float64)")
        else:
            p, checked = scope.fresh("param"), scope.fresh("checked")
            writer.line(f"{checked} = {checker}(*{params})")
            flat = f"[{np_}.ravel({p}) for {p} in {checked}]"
            writer.line(f"return {np_}.concatenate({flat}, dtype={np_}.float64)")


def write_unpack(context: Context, writer: Writer) -> None:
    """The inverse of pack."""
    params = context.program.params
    dims = dims_of(params)
    scope = _scope(context, dims)
    theta, np_ = scope.fresh("theta"), context.ref("np")
    named = keywords(context, dims)
    with writer.block(f"def unpack({', '.join(p for p in (f'{theta}: ndarray', named) if p)}) -> Params:"):
        write_docstring(writer, "Return the params that pack() made a vector of.", arguments_text(params))
        check_sizes(context, writer, dims)
        ends = _Ends(context, scope)
        values = [ends.value(a, theta) for a in params]
        for line in ends.lines:
            writer.line(line)
        writer.line(f"{theta} = {context.ref('_vector')}({theta}, {ends.last})")
        if context.dtype != "float64":
            writer.line(f"{theta} = {theta}.astype({np_}.{context.dtype})")
        if all(not a.type.rank for a in params):
            writer.line(f"return {context.ref('Params')}(*{theta}.tolist())")
        else:
            writer.line(f"return {context.ref('Params')}({', '.join(values)})")


class _Ends:
    """Where each param ends in the vector."""

    def __init__(self, context: Context, scope: Scope):
        self.context, self.scope = context, scope
        self.last = number(0)
        self.lines: list[str] = []

    def value(self, param: Argument, theta: str) -> str:
        start = self.last
        sizes = [_size_text(self.context, d) for d in param.type.shape]
        self._advance(param)
        if not param.type.rank:
            return f"{self.context.ref('float')}({theta}[{start}])"
        part = f"{theta}[{'' if start.text == '0' else start}:{self.last}]"
        return part if len(sizes) == 1 else f"{part}.reshape({', '.join(map(str, sizes))})"

    def _advance(self, param: Argument) -> None:
        count = size_of(param.type.shape)
        if count.known is not None and self.last.text.isdigit():
            self.last = number(int(self.last.text) + count.known)
            return
        size = _size_text(self.context, count)
        if self.last.text != "0":
            size = Expr(f"{self.last} + {size.within(MULTIPLY)}", ADD)
        if size.text.isidentifier():
            self.last = size
            return
        name = self.scope.fresh(f"end_{self.context.local(param.name)}")
        self.lines.append(f"{name} = {size}")
        self.last = Expr(name)


def _scope(context: Context, dims: Sequence[str]) -> Scope:
    return context.names.scope(context.local(d) for d in dims)
