"""The functions of sparse Jacobians and Hessians.

rows, cols, values = sparse_jacobian(x, colouring=colouring)

The pattern and its colours are in `sparse_pattern.py`; a module whose pattern needs neither sizes nor data
has both as constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autodiffc.compiler.types import Dim

from .boundary import bindings_of, holders, write_call, write_checker
from .context import Context
from .dimtext import bind
from .docstrings import write_docstring
from .functions import given_of, scope_of, signature, taken, write_body
from .pytext import Expr
from .randomness import with_generator
from .requested import order, vectors_of
from .results import owned
from .reuse import body_of
from .sparse_parts import OF, Parts
from .sparse_pattern import default_colouring, write_colouring, write_sparsity
from .statements import write_statements
from .writer import Writer


def write_sparse(parts: Parts, writer: Writer) -> None:
    """All functions of a sparse Jacobian or Hessian."""
    context = parts.context
    write_sparsity(parts, writer)
    writer.blank(2)
    write_colouring(parts, writer)
    writer.blank(2)
    if parts.name == "jacobian":
        _write_value_and_sparse(parts, writer)
        writer.blank(2)
    _write_matrix(parts, writer)
    writer.blank(2)
    _write_csr(parts, writer)
    if parts.sparse.serves_dense:
        writer.blank(2)
        _write_dense(parts, writer)
    writer.blank(2)
    _write_product(parts, writer)
    if parts.given and parts.given != context.program.arguments:
        writer.blank(2)
        write_checker(context, writer, parts.given, f"_checked_{parts.name}_sparsity")


class Call:
    """A function that takes the model's arguments and a colouring: its names."""

    def __init__(self, parts: Parts):
        self.parts, context = parts, parts.context
        self.scope = scope_of(context, context.program.arguments)
        self.colouring = self.scope.fresh("colouring")
        arguments = signature(context, context.program.arguments, True)
        comma = ", " if arguments else ""
        self.signature = f"{arguments}{comma}*, {self.colouring}: Colouring | None = None"
        self.names = with_generator(
            context, ", ".join(context.local(a.name) for a in context.program.arguments)
        )
        comma = ", " if self.names else ""
        self.passed = f"{self.names}{comma}{self.colouring}={self.colouring}"

    def result(self, products: str) -> str:
        """The elements out of the products."""
        colouring, kind = self.colouring, self.parts.context.ref("Sparse")
        return f"{kind}({colouring}.rows, {colouring}.cols, {products}.ravel()[{colouring}.taken])"


def _write_value_and_sparse(parts: Parts, writer: Writer) -> None:
    call = Call(parts)
    value, products = call.scope.fresh("value"), call.scope.fresh("products")
    head = f"def value_and_sparse_jacobian({call.signature}) -> tuple[ndarray, Sparse]:"
    with writer.block(head):
        _docstring(parts, writer, f"Return {parts.target} and its Jacobian", call)
        _write_seeded(parts, writer, [value, products], call)
        writer.line(f"return {value}, {call.result(products)}")


def _write_matrix(parts: Parts, writer: Writer) -> None:
    call = Call(parts)
    with writer.block(f"def sparse_{parts.name}({call.signature}) -> Sparse:"):
        if parts.name == "jacobian":
            what = f"Return the Jacobian of {parts.target}"
            write_docstring(writer, f"{what}; takes what value_and_sparse_jacobian() takes.")
            writer.line(f"return {parts.context.ref('value_and_sparse_jacobian')}({call.passed})[1]")
            return
        products = call.scope.fresh("products")
        _docstring(parts, writer, f"Return the Hessian of {parts.target}", call)
        _write_seeded(parts, writer, [products], call)
        writer.line(f"return {call.result(products)}")


def _write_csr(parts: Parts, writer: Writer) -> None:
    """The same as SciPy's sparse array."""
    context, call = parts.context, Call(parts)
    with writer.block(f"def {parts.name}_csr({call.signature}) -> Any:"):
        what = f"Return what sparse_{parts.name}() returns as a scipy.sparse.csr_array"
        write_docstring(writer, f"{what}; needs SciPy.")
        sparse = call.scope.fresh("sparse")
        write_call(context, writer, context.program.arguments)
        writer.line(f"{sparse} = {context.ref(f'sparse_{parts.name}')}({call.passed})")
        _write_dims(parts, writer, parts.sizes)
        sizes = [str(parts.size(dim)) for dim in parts.sizes]
        writer.line(f"return {context.ref('_csr')}({sparse}, {', '.join(sizes * (3 - len(sizes)))})")


def _docstring(parts: Parts, writer: Writer, what: str, call: Call) -> None:
    kept = (
        f"Rows and columns are those of {parts.name}_sparsity(). {call.colouring}: what "
        f"{parts.name}_colouring() has given, to be used again."
    )
    write_docstring(writer, f"{what} as its elements that may differ from 0.", kept)


def _write_seeded(parts: Parts, writer: Writer, results: Sequence[str], call: Call) -> None:
    """Check the arguments, colour the pattern, and run the compressed product."""
    context, program = parts.context, parts.context.program
    write_call(context, writer, program.arguments)
    dims = [] if parts.is_constant else [Dim.symbol(d) for d in parts.dims]
    shapes = {a.name: a.type.shape for a in program.arguments}
    by_rows = parts.sparse.by == "rows"
    seeded = [program.graph.output(parts.target).shape] if by_rows else [shapes[n] for n in program.wrt]
    length = parts.sizes[-1 if by_rows else 0]  # of a row of the products
    _write_dims(parts, writer, [*dims, *(dim for shape in seeded for dim in shape), length])
    with writer.block(f"if {call.colouring} is None:"):
        writer.line(f"{call.colouring} = {default_colouring(parts)}")
    with writer.block("else:"):
        checked = ", ".join([call.colouring, *parts.made_of])
        writer.line(f"{context.ref('_check_colouring')}({checked})")
    seeds, colours = call.scope.fresh("seeds"), f"{call.colouring}.colours"
    names = [context.local(a.name) for a in program.arguments]
    passed = with_generator(context, ", ".join([*names, *_stack_texts(parts, seeds)]))
    product = f"{context.ref(parts.sparse.product.name)}({passed})"
    if program.draws:  # all directions see the same masks
        writer.line(f"{seeds} = next({context.ref('_chunks')}({colours}, 0))")
        writer.line(f"{', '.join(results)} = {product}")
    else:
        chunks = f"for {seeds} in {context.ref('_chunks')}({colours}, {parts.size(length)})"
        _write_chunked(writer, call.scope.fresh("found"), product, chunks, results, context.ref("np"))


def _write_chunked(
    writer: Writer, found: str, product: str, chunks: str, results: Sequence[str], np: str
) -> None:
    """The product with some directions at a time, and what all give put together."""
    writer.line(f"{found} = [")
    writer.depth += 1
    writer.line(product)
    writer.line(chunks)
    writer.depth -= 1
    writer.line("]")
    if len(results) == 1:
        writer.line(f"{results[0]} = {np}.concatenate({found})")
    else:
        writer.line(f"{results[0]} = {found}[0][0]")
        writer.line(f"{results[1]} = {np}.concatenate([part for _, part in {found}])")


def _write_dims(parts: Parts, writer: Writer, dims: Sequence[Dim]) -> None:
    """Bind what these dims are made of."""
    context, arguments = parts.context, parts.context.program.arguments
    bindings = bindings_of(context, arguments)
    order = [a.name for a in arguments]
    needed = dict.fromkeys(symbol for dim in dims for symbol in sorted(dim.symbols))
    used = sorted((bindings[d] for d in needed), key=lambda b: (order.index(b.argument), b.axis))
    for line in bind(used, holders(context, arguments), context.local):
        writer.line(line)


def _stack_texts(parts: Parts, seeds: str) -> Iterator[str]:
    """The seeds in the shapes of what they are directions of."""
    context = parts.context
    if parts.sparse.by == "rows":
        shape = context.program.graph.output(parts.target).shape
        yield _shaped(context, seeds, seeds, [parts.size(d) for d in shape])
        return
    starts, shapes = parts.starts(), {a.name: a.type.shape for a in context.program.arguments}
    for k, name in enumerate(context.program.wrt):
        low, high = starts[k], starts[k + 1]
        whole = len(context.program.wrt) == 1
        part = seeds if whole else f"{seeds}[:, {low if k else ''}:{high}]"
        yield _shaped(context, part, seeds, [parts.size(d) for d in shapes[name]])


def _shaped(context: Context, text: str, seeds: str, sizes: Sequence[Expr]) -> str:
    if len(sizes) == 1:
        return text
    count = f"{context.ref('len')}({seeds})"
    return f"{text}.reshape({', '.join([count, *map(str, sizes)])})"


def _write_product(parts: Parts, writer: Writer) -> None:
    """The compressed product, a graph of its own."""
    context, program, function = parts.context, parts.context.program, parts.sparse.product
    arguments = (*program.arguments, *vectors_of(context, function))
    body = body_of(context, function.graph, scope_of(context, arguments), given_of(context, function.graph))
    body.shows_formulas = False
    names = [name for name, _ in function.graph.outputs if name]
    results = owned(body, names)
    texts = ", ".join(context.local(a.name) for a in arguments)
    with writer.block(f"def {function.name}({with_generator(context, texts)}):"):
        writer.line(f'"""The products of the {OF[parts.name]} with a stack of directions."""')
        write_body(context, writer, body, arguments, drawing=True)
        write_statements(context, writer, body, f"return {', '.join(results[name] for name in names)}")


def _write_dense(parts: Parts, writer: Writer) -> None:
    """The dense matrix out of the compressed one: its zeros cost nothing but memory."""
    context, program, call = parts.context, parts.context.program, Call(parts)
    arguments = signature(context, program.arguments, True)
    details = taken(context, program.arguments)
    sparse = call.scope.fresh("sparse")
    if parts.name == "hessian":
        with writer.block(f"def hessian({arguments}) -> ndarray:"):
            what = f"Return the Hessian of {parts.target}: rows and columns in the order of {order(context)}."
            write_docstring(writer, what, details, True)
            write_call(context, writer, program.arguments)
            writer.line(f"{sparse} = {context.ref('sparse_hessian')}({call.names})")
            _write_dims(parts, writer, parts.sizes)
            size = parts.size(parts.sizes[0])
            writer.line(f"return {context.ref('_dense')}({sparse}, ({size},), [({size},)])[0]")
        return
    with writer.block(f"def value_and_jacobian({arguments}) -> tuple[ndarray, Grads]:"):
        what = f"Return {parts.target} and its derivative by {', '.join(program.wrt)}"
        write_docstring(writer, f"{what}, with the axes of {parts.target} first.", details, True)
        value = call.scope.fresh("value")
        writer.line(f"{value}, {sparse} = {context.ref('value_and_sparse_jacobian')}({call.names})")
        shape = context.ref("np") + ".shape"
        shapes = ", ".join(f"{shape}({context.local(name)})" for name in program.wrt)
        dense = f"{context.ref('_dense')}({sparse}, {value}.shape, [{shapes}])"
        writer.line(f"return {value}, {context.ref('Grads')}(*{dense})")
