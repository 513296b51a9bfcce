"""What the functions of a sparse Jacobian or Hessian have in common.

parts.dims         ["N"]          the sizes that the pattern needs, beside its int inputs
parts.sizes        [N - 1, N]     the matrix's own
"""

from __future__ import annotations

from autodiffc.compiler.model import Argument, Sparse
from autodiffc.compiler.types import Dim, size_of
from autodiffc.grammar.records import record

from .body import Body
from .boundary import bindings_of
from .context import Context, once
from .dimtext import dim_expr
from .pytext import Expr

LARGEST_CONSTANT = 100_000  # entries
OF = {"jacobian": "Jacobian", "hessian": "Hessian"}


@record(frozen=True)
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

    @property
    def made_of(self) -> list[str]:
        """The ints and the sizes that the pattern is made of."""
        return [self.context.local(name) for name in (*(a.name for a in self.given), *self.dims)]

    @property
    def sizes(self) -> list[Dim]:
        """The sizes of the matrix; a Hessian has one."""
        columns = sum(self.columns, Dim.of(0))
        if self.name == "hessian":
            return [columns]
        return [size_of(self.context.program.graph.output(self.target).shape), columns]

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
