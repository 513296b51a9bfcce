"""A vector with its Jacobian as SciPy's least_squares, root and NonlinearConstraint take it: residuals.

    fit = residuals(x, y)
    least_squares(fit.fun, pack(params), fit.jac, fit.bounds(params))

The class Residuals is written for the model: SciPy asks for the value and for the Jacobian, and gets both
from one run. Where zeros of the Jacobian are known it is computed, and kept, as a sparse matrix.
"""

from __future__ import annotations

from autodiffc.compiler.types import Dim, size_of

from .context import Context
from .dimtext import dim_expr
from .docstrings import write_docstring
from .randomness import generator_name, with_generator
from .scipy_view import drawing, is_by_params, is_whole, parameters, write_checks, write_filled
from .sparse import Call
from .sparse_parts import Parts, parts_of
from .sparse_pattern import default_colouring
from .writer import Writer


def has_residuals(context: Context) -> bool:
    """Whether the Jacobian was asked for, and is one by params alone."""
    return "jacobian" in context.derivative.emit and is_by_params(context)


def write_residuals(context: Context, writer: Writer) -> None:
    """The class, and the function that makes one of the inputs."""
    _write_class(context, writer)
    writer.blank(2)
    target, sparse = context.program.target, _sparse_parts(context)
    with writer.block(f"def residuals({parameters(context)}) -> Residuals:"):
        write_docstring(
            writer,
            f"Return {target} and its Jacobian as functions of theta = pack(params): fun and jac.",
            "Both can be pickled; scipy.optimize takes them in least_squares, in root where as many numbers "
            "go in as come out, and as fun and jac of a constraint."
            + (" sparse_jac may stand in the place of jac." if sparse else "")
            + drawing(context, "theta"),
        )
        given = _write_sparse_given(context, writer, sparse) if sparse else write_checks(context, writer)
        writer.line(f"return {context.ref('Residuals')}({with_generator(context, ', '.join(given))})")


def _sparse_parts(context: Context) -> Parts | None:
    """The sparse Jacobian, where elements of it are known to be 0."""
    return next((parts for parts in parts_of(context) if parts.name == "jacobian"), None)


def _write_sparse_given(context: Context, writer: Writer, sparse: Parts) -> tuple[str, ...]:
    """Check what is given; the texts of it, of the colouring by theta and the Jacobian's shape."""
    shape = _shape(context)
    inputs, sizes = write_checks(
        context, writer, [*sparse.dims, *(s for d in shape for s in sorted(d.symbols))]
    )
    given = [*(a.name for a in context.program.inputs), *context.program.dims]
    scope = context.names.scope([*map(context.local, given), generator_name(context)])
    rows, columns = (str(dim_expr(size, context.local, context.ref)) for size in shape)
    colouring = scope.fresh("colouring")
    writer.line(f"{colouring} = {default_colouring(sparse)}")
    if not is_whole(context):
        places = f"{context.ref('_places')}({sizes}, {columns})"
        writer.line(f"{colouring} = {colouring}._replace(cols={places}[{colouring}.cols])")
    return inputs, sizes, colouring, f"({rows}, {columns})"


def _shape(context: Context) -> tuple[Dim, Dim]:
    """Rows and columns of the Jacobian by theta."""
    value = context.program.graph.output(str(context.program.target))
    return size_of(value.shape), sum((size_of(a.type.shape) for a in context.program.params), Dim.of(0))


# --- the class -------------------------------------------------------------------------------------


def _write_class(context: Context, writer: Writer) -> None:
    sparse = _sparse_parts(context)
    fields = [
        "inputs",
        "sizes",
        *(["colouring", "shape"] if sparse else []),
        *filter(None, [generator_name(context)]),
    ]
    what = f"{context.program.target} and its Jacobian, computed together; those of the last theta are kept."
    with writer.block("class Residuals:"):
        writer.line(f'"""{what}"""')
        writer.blank()
        _write_state(writer, fields)
        _write_fun(context, writer)
        (_write_sparse_jac if sparse else _write_dense_jac)(context, writer)
        _write_arrays_of_bounds(context, writer)
        _write_at(context, writer)


def _write_state(writer: Writer, fields: list[str]) -> None:
    with writer.block(f"def __init__(self, {', '.join(fields)}):"):
        writer.line(f"{', '.join(f'self._{f}' for f in fields)} = {', '.join(fields)}")
        writer.line("self._last = None  # replaced as a whole, so that threads may share it")
    writer.blank()
    with writer.block("def __getstate__(self):"):
        writer.line('return {**self.__dict__, "_last": None}')
    writer.blank()


def _write_fun(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    with writer.block("def fun(self, theta: ndarray) -> ndarray:"):
        writer.line(f'"""Return {context.program.target} as a vector."""')
        writer.line("value = self._at(theta)[0]")
        writer.line(f"return {np_}.array(value, {np_}.float64).reshape(-1)")
    writer.blank()


JAC = "Return the Jacobian: a row for each number of fun, a column for each of theta."


def _write_dense_jac(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    with writer.block("def jac(self, theta: ndarray) -> ndarray:"):
        writer.line(f'"""{JAC}"""')
        writer.line("value, found, params = self._at(theta)")
        write_filled(
            context, writer, "found", f"({np_}.zeros({np_}.shape(value) + {np_}.shape(p)) for p in params)"
        )
        block = f"{np_}.reshape(J, ({np_}.size(value), {np_}.size(p)))"
        writer.line(f"blocks = [{block} for J, p in zip(found, params)]")
        writer.line(f"return {np_}.concatenate(blocks, axis=1, dtype={np_}.float64)")
    writer.blank()


def _write_sparse_jac(context: Context, writer: Writer) -> None:
    np_, csr = context.ref("np"), context.ref("_csr")
    with writer.block("def jac(self, theta: ndarray) -> ndarray:"):
        writer.line(f'"""{JAC}"""')
        writer.line("rows, cols, values = self._at(theta)[1]")
        writer.line(f"full = {np_}.zeros(self._shape)")
        writer.line("full[rows, cols] = values")
        writer.line("return full")
    writer.blank()
    with writer.block("def sparse_jac(self, theta: ndarray) -> Any:"):
        writer.line('"""Return what jac() returns as a scipy.sparse.csr_array; needs SciPy."""')
        writer.line("rows, cols, values = self._at(theta)[1]")
        writer.line(
            f"return {csr}({context.ref('Sparse')}(rows, cols, values.astype({np_}.float64)), *self._shape)"
        )
    writer.blank()
    writer.line("@property")
    with writer.block("def jac_sparsity(self) -> Any:"):
        writer.line(
            '"""The pattern of the Jacobian as a scipy.sparse.csr_array: 1 where it may differ from 0."""'
        )
        writer.line("rows, cols = self._colouring[:2]")
        writer.line(f"return {csr}({context.ref('Sparse')}(rows, cols, {np_}.ones(len(rows))), *self._shape)")
    writer.blank()


def _write_arrays_of_bounds(context: Context, writer: Writer) -> None:
    np_ = context.ref("np")
    writer.line("@staticmethod")
    with writer.block("def bounds(params: Params) -> tuple[ndarray, ndarray]:"):
        writer.line('"""Return the lower and the upper bounds of theta as least_squares takes them."""')
        writer.line(f"low, high = {np_}.array(bounds(params), {np_}.float64).reshape(-1, 2).T")
        open_ = [f"{np_}.where({np_}.isnan({n}), {s}{np_}.inf, {n})" for n, s in (("low", "-"), ("high", ""))]
        writer.line(f"return {', '.join(open_)}")
    writer.blank()


def _write_at(context: Context, writer: Writer) -> None:
    np_, generator = context.ref("np"), generator_name(context)
    arguments = ", ".join(["*self._inputs", "*params", *([f"self._{generator}"] if generator else [])])
    sparse = _sparse_parts(context)
    if sparse:
        kept = f"{Call(sparse).colouring}=self._colouring"
        found = f"*value_and_sparse_jacobian({arguments}, {kept})"
    else:
        found = f"*value_and_jacobian({arguments}), params"
    with writer.block("def _at(self, theta):"):
        writer.line("params = unpack(theta, **self._sizes)")
        writer.line(f"key = {np_}.asarray(theta, {np_}.float64).tobytes()")
        writer.line("last = self._last")
        with writer.block("if last is None or last[0] != key:"):
            writer.line(f"self._last = last = (key, {found})")
        writer.line("return last[1:]")
