"""The functions of sparse Jacobians and Hessians.

sparsity = jacobian_sparsity(N=1000)                      # rows and columns that may differ from 0
colouring = jacobian_colouring(N=1000)                    # what can be kept between calls
rows, cols, values = sparse_jacobian(x, colouring=colouring)

A module whose pattern needs neither sizes nor data has both as constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autodiffc.compiler.model import Argument, Sparse
from autodiffc.compiler.types import Dim, size_of

from .body import Body
from .boundary import bindings_of, holders, write_call, write_checker
from .context import Context, once
from .dimtext import bind, dim_expr
from .docstrings import arguments_text, write_docstring
from .functions import given_of, scope_of, signature, taken, write_body
from .pytext import Expr
from .randomness import with_generator
from .requested import order, vectors_of
from .results import owned
from .reuse import body_of
from .statements import write_statements
from .writer import Writer

LARGEST_CONSTANT = 100_000  # entries
OF = {"jacobian": "Jacobian", "hessian": "Hessian"}
COLOURED = {"columns": "columns of one colour meet in no row", "rows": "rows of one colour share no column",
            "star": "a star colouring of the columns"}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """What the functions of one sparse derivative have in common."""

    context: Context
    sparse: Sparse

    @property
    def name(self) -> str:
        return self.sparse.name

    @property
    def target(self) -> str:
        return str(self.context.program.target)

    @property
    def given(self) -> tuple[Argument, ...]:
        """The int inputs that the pattern is made of."""
        wanted = {node["name"] for node in self.sparse.pattern.inputs}
        return tuple(a for a in self.context.program.arguments if a.name in wanted)

    @property
    def dims(self) -> list[str]:
        """The dims that the pattern needs and these inputs don't tell."""
        body = Body(self.context, self.sparse.pattern, self.context.names.scope(), {})
        needed = set(body.mentioned_dims())
        for dim in (*self.columns, size_of(self.context.program.graph.output(self.target).shape)):
            needed |= dim.symbols
        known = bindings_of(self.context, self.given)
        return [d for d in self.context.program.dims if d in needed and d not in known]

    @property
    def columns(self) -> list[Dim]:
        """The number of elements of each wrt value."""
        shapes = {a.name: a.type.shape for a in self.context.program.arguments}
        return [size_of(shapes[name]) for name in self.context.program.wrt]

    @property
    def is_constant(self) -> bool:
        """Whether the pattern needs no arguments, and is small enough to be made at import."""
        if self.given or self.dims:
            return False
        listed = [size_of(node.shape).known for _, node in self.sparse.pattern.outputs]
        return all(size is not None and size <= LARGEST_CONSTANT for size in listed)

    @property
    def constant(self) -> str:
        return f"{self.name.upper()}_SPARSITY"

    def size(self, dim: Dim) -> Expr:
        return dim_expr(dim, self.context.local, self.context.ref)

    def starts(self) -> list[Expr]:
        """Where each wrt value begins in the vector of all, and its length."""
        total, found = Dim.of(0), []
        for size in self.columns:
            found.append(self.size(total))
            total = total + size
        return [*found, self.size(total)]


@once
def parts_of(context: Context) -> tuple[Parts, ...]:
    return tuple(Parts(context, sparse) for sparse in context.derivative.sparse)


def write_sparse(parts: Parts, writer: Writer) -> None:
    """All functions of a sparse Jacobian or Hessian."""
    context = parts.context
    _write_sparsity(parts, writer)
    writer.blank(2)
    _write_colouring(parts, writer)
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


# --- the pattern ---------------------------------------------------------------------------------


def _keywords(parts: Parts) -> str:
    ints = ", ".join(f"{parts.context.local(d)}: int" for d in parts.dims)
    return f"*, {ints}" if ints else ""


def _pattern_signature(parts: Parts) -> str:
    return ", ".join(part for part in (signature(parts.context, parts.given), _keywords(parts)) if part)


def _passed(parts: Parts) -> str:
    """The pattern's arguments, handed on."""
    local = parts.context.local
    return ", ".join([*(local(a.name) for a in parts.given), *(f"{local(d)}={local(d)}" for d in parts.dims)])


def _write_sparsity(parts: Parts, writer: Writer) -> None:
    context, graph = parts.context, parts.sparse.pattern
    scope = context.names.scope(context.local(name) for name in (*parts.dims, *(a.name for a in parts.given)))
    body = body_of(context, graph, scope, given_of(context, graph))
    outputs = dict(graph.outputs)
    texts = {name: str(body.value(node)) for name, node in outputs.items()}
    starts = parts.starts()
    if parts.name == "jacobian":
        blocks = [f"({text}, {start})" for text, start in zip(texts.values(), starts)]
        result = f"{context.ref('_entries')}([{', '.join(blocks)}], {starts[-1]})"
    else:
        result = f"{context.ref('_pairs')}({texts['rows']}, {texts['cols']}, {starts[-1]})"
    for size in parts.columns:
        body.dim(size)
    with writer.block(f"def {parts.name}_sparsity({_pattern_signature(parts)}) -> tuple[ndarray, ndarray]:"):
        what = f"Return rows and columns of the elements of the {OF[parts.name]} that may differ from 0."
        write_docstring(writer, what, f"{_axes(parts)}{arguments_text(parts.given)}")
        _write_given(parts, writer)
        for dim in parts.dims:
            local = context.local(dim)
            writer.line(f'{local} = {context.ref("_size")}("{local}", {local})')
        bindings = bindings_of(context, parts.given)
        used = [bindings[d] for d in body.dims if d in bindings]
        for line in bind(used, holders(context, parts.given), context.local):
            writer.line(line)
        for argument in parts.given:
            _write_range(parts, writer, argument)
        write_statements(context, writer, body, f"return {result}")


def _write_given(parts: Parts, writer: Writer) -> None:
    """The check of the ints that the pattern is made of."""
    whole = parts.given == parts.context.program.arguments
    checker = "_checked" if whole else f"_checked_{parts.name}_sparsity"
    write_call(parts.context, writer, parts.given, checker)


def _write_range(parts: Parts, writer: Writer, argument: Argument) -> None:
    """The check of a range that the arguments alone don't tell."""
    symbols = frozenset(s for dim in argument.range or () for s in dim.symbols)
    if argument.range is not None and symbols & set(parts.dims) and symbols <= {*parts.dims}:
        name, (low, high) = parts.context.local(argument.name), map(parts.size, argument.range)
        writer.line(f'{parts.context.ref("_range")}("{name}", {name}, {low}, {high})')


def _axes(parts: Parts) -> str:
    """What rows and columns count."""
    if parts.name == "hessian":
        return f"Both count the elements in the order of {order(parts.context)}.\n"
    return f"Rows count the elements of {parts.target}, columns those of {order(parts.context)}.\n"


def _write_colouring(parts: Parts, writer: Writer) -> None:
    context = parts.context
    head = f"def {parts.name}_colouring({_pattern_signature(parts)}) -> Colouring:"
    with writer.block(head):
        what = f"Return the pattern of the {OF[parts.name]} with colours: {COLOURED[parts.sparse.by]}."
        write_docstring(writer, what, f"Takes what {parts.name}_sparsity() takes; may be kept between calls.")
        _write_given(parts, writer)
        scope = context.names.scope(_made_of(parts))
        pattern = f"{scope.fresh('rows')}, {scope.fresh('cols')}"
        writer.line(f"{pattern} = {context.ref(f'{parts.name}_sparsity')}({_passed(parts)})")
        # The sizes may be told by the ints that were given.
        bindings = bindings_of(context, parts.given)
        needed = {s for dim in _sizes(parts) for s in dim.symbols}
        used = [b for d, b in bindings.items() if d in needed]
        for line in bind(used, holders(context, parts.given), context.local):
            writer.line(line)
        passed = [pattern, *(str(parts.size(dim)) for dim in _sizes(parts)), *_made_of(parts)]
        writer.line(f"return {context.ref(f'_coloured_by_{parts.sparse.by}')}({', '.join(passed)})")


def _made_of(parts: Parts) -> list[str]:
    """The ints and the sizes that the pattern is made of."""
    return [parts.context.local(name) for name in (*(a.name for a in parts.given), *parts.dims)]


def _sizes(parts: Parts) -> list[Dim]:
    """The sizes of the matrix; a Hessian has one."""
    columns = sum(parts.columns, Dim.of(0))
    if parts.name == "hessian":
        return [columns]
    return [size_of(parts.context.program.graph.output(parts.target).shape), columns]


def default_colouring(parts: Parts) -> str:
    """The colouring, where the dims and ints that it needs are at hand."""
    if parts.is_constant:
        return parts.context.ref(f"_{parts.constant.replace('SPARSITY', 'COLOURING')}")
    return f"{parts.context.ref(f'{parts.name}_colouring')}({_passed(parts)})"


# --- the values ----------------------------------------------------------------------------------


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
    target, products = call.scope.fresh("value"), call.scope.fresh("products")
    head = f"def value_and_sparse_jacobian({call.signature}) -> tuple[ndarray, Sparse]:"
    with writer.block(head):
        _docstring(parts, writer, f"Return {parts.target} and its Jacobian", call)
        _write_seeded(parts, writer, f"{target}, {products}", call)
        writer.line(f"return {target}, {call.result(products)}")


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
        _write_seeded(parts, writer, products, call)
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
        _write_dims(parts, writer, _sizes(parts))
        sizes = [str(parts.size(dim)) for dim in _sizes(parts)]
        writer.line(f"return {context.ref('_csr')}({sparse}, {', '.join(sizes * (3 - len(sizes)))})")


def _docstring(parts: Parts, writer: Writer, what: str, call: Call) -> None:
    kept = (
        f"Rows and columns are those of {parts.name}_sparsity(). {call.colouring}: what "
        f"{parts.name}_colouring() has given, to be used again."
    )
    write_docstring(writer, f"{what} as its elements that may differ from 0.", kept)


def _write_seeded(parts: Parts, writer: Writer, results: str, call: Call) -> None:
    """Check the arguments, colour the pattern, and run the compressed product."""
    context, program = parts.context, parts.context.program
    write_call(context, writer, program.arguments)
    dims = [] if parts.is_constant else [Dim.symbol(d) for d in parts.dims]
    shapes = {a.name: a.type.shape for a in program.arguments}
    by_rows = parts.sparse.by == "rows"
    seeded = [program.graph.output(parts.target).shape] if by_rows else [shapes[n] for n in program.wrt]
    _write_dims(parts, writer, [*dims, *(dim for shape in seeded for dim in shape)])
    with writer.block(f"if {call.colouring} is None:"):
        writer.line(f"{call.colouring} = {default_colouring(parts)}")
    with writer.block("else:"):
        checked = ", ".join([call.colouring, *_made_of(parts)])
        writer.line(f"{context.ref('_check_colouring')}({checked})")
    seeds = call.scope.fresh("seeds")
    writer.line(f"{seeds} = {context.ref('_indicators')}({call.colouring}.colours)")
    names = [context.local(a.name) for a in program.arguments]
    passed = with_generator(context, ", ".join([*names, *_stack_texts(parts, seeds)]))
    writer.line(f"{results} = {context.ref(parts.sparse.product.name)}({passed})")


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


# --- the dense Jacobian --------------------------------------------------------------------------


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
            _write_dims(parts, writer, _sizes(parts))
            size = parts.size(_sizes(parts)[0])
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


def constants(context: Context) -> Iterator[str]:
    """The pattern and its colouring, where they need no arguments."""
    for parts in parts_of(context):
        if parts.is_constant:
            yield f"{parts.constant} = {parts.name}_sparsity()"
            yield f"_{parts.constant.replace('SPARSITY', 'COLOURING')} = {parts.name}_colouring()"
