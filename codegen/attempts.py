"""Functions on Python's floats at -O2: tried without guards, computed anew where Python raises.

    try:
        return _new(Outputs, (math.log(x) + 1.0 / y,)), …
    except (ArithmeticError, ValueError):
        return _forward_guarded(x, y)

Guards cost a call each; a `try` costs nothing until something raises. Both forms give the same to the last
bit wherever the first raises nothing. What others compute too has no guarded form of its own: where
`value_and_grad` raises, the guarded `forward` and `backward` are called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autodiffc.compiler.ir import Graph, Node, fact
from autodiffc.compiler.ops.checks import check
from autodiffc.compiler.passes.cse import Cse
from autodiffc.grammar.records import record

from .context import Context
from .unguard import raises, unguarded
from .writer import Writer

# What may stand between scalars without being work on arrays: arguments, their elements, results.
ARRAYS = frozenset({
    "argument", "const", "gather", "getitem", "loop", "branch", "item", "elements", "packed",
})  # fmt: skip


@record(frozen=True)
class Head:
    """The first line of a function: its name, its annotated parameters, the type of its result."""

    name: str
    parameters: Sequence[str]
    result: str

    @property
    def text(self) -> str:
        return f"def {self.name}({', '.join(self.parameters)}) -> {self.result}:"

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [p.partition(":")[0] for p in self.parameters]

    @property
    def guarded(self) -> Head:
        return Head(f"_{self.name}_guarded", [p.partition(" = ")[0] for p in self.parameters], self.result)


Steps = Callable[[Graph, bool], None]


def write_attempt(
    context: Context,
    writer: Writer,
    head: Head,
    graph: Graph,
    begin: Callable[[], None],
    steps: Steps,
    otherwise: Callable[[], Sequence[str]] = list,
) -> None:
    """A function: its first lines, then its steps; tried without guards where it can be.

    `begin` writes its docstring and the check of the arguments, `steps(graph, plain)` all that follows. Where
    Python raises, the lines that `otherwise` gives compute the result, or a second function, with the guards.
    """
    with writer.block(head.text):
        begin()
        if not _is_tried(context, graph):
            steps(graph, False)
            return
        with writer.block("try:"):
            plain = unguarded(graph)
            steps(plain if plain is graph else Cse().run(plain), True)
        with writer.block(f"except ({context.ref('ArithmeticError')}, {context.ref('ValueError')}):"):
            others = otherwise()
            for line in others or [f"return {with_guards(context, head, graph, head.names)}"]:
                writer.line(line)
    if others:
        return
    writer.blank(2)
    with writer.block(head.guarded.text):
        what = "where a step overflows or leaves its domain: guarded, with infinities and NaN"
        writer.line(f'"""{head.name}() {what}."""')
        steps(graph, False)


def with_guards(context: Context, head: Head, graph: Graph, given: Sequence[str]) -> str:
    """A call of a function in the form with guards, which for many a function is the only one."""
    standing = head.guarded if _is_tried(context, graph) else head
    return f"{context.ref(standing.name)}({', '.join(given)})"


def _is_tried(context: Context, graph: Graph) -> bool:
    return context.level > 1 and not context.program.draws and is_scalar(graph) and raises(graph)


@fact
def is_scalar(graph: Graph) -> bool:
    """Whether all work is on Python's numbers, and can be done twice."""
    if graph.on_numbers:
        return check not in graph.ops
    return all(map(_is_number, graph.nodes())) and all(map(is_scalar, graph.bodies))


def _is_number(node: Node) -> bool:
    if node.op is check:
        return False
    return node.on_numbers or node.op.name in ARRAYS
