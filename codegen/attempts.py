"""Functions on Python's floats at -O2: tried without guards, computed anew where Python raises.

    try:
        return math.log(x) + 1.0 / y, Grads(…)
    except (ArithmeticError, ValueError):
        return _value_and_grad_guarded(x, y)

Guards cost a call each; a `try` costs nothing until something raises. Both forms give the same to the last
bit wherever the first raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autodiffc.compiler.ir import Graph, Node
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
    def passed(self) -> str:
        """The arguments of a call with the parameters' own names."""
        return ", ".join(p.partition(":")[0] for p in self.parameters)

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
) -> None:
    """A function: its first lines, then its steps; where it can be tried without guards, two functions.

    `begin` writes its docstring and the check of the arguments, `steps(graph, plain)` all that follows.
    """
    tried = context.level > 1 and _is_scalar(context, graph) and raises(graph)
    with writer.block(head.text):
        begin()
        if not tried:
            steps(graph, False)
            return
        guarded = head.guarded
        with writer.block("try:"):
            plain = unguarded(graph)
            steps(plain if plain is graph else Cse().run(plain), True)
        with writer.block(f"except ({context.ref('ArithmeticError')}, {context.ref('ValueError')}):"):
            writer.line(f"return {context.ref(guarded.name)}({guarded.passed})")
    writer.blank(2)
    with writer.block(guarded.text):
        what = "where a step overflows or leaves its domain: guarded, with infinities and NaN"
        writer.line(f'"""{head.name}() {what}."""')
        steps(graph, False)


def _is_scalar(context: Context, graph: Graph) -> bool:
    """Whether all work is on Python's numbers, and can be done twice."""
    if context.program.draws:
        return False
    waiting = [graph]
    while waiting:
        nodes = waiting.pop().nodes()
        if not all(_is_number(node) for node in nodes):
            return False
        waiting.extend(body for node in nodes for body in node.subgraphs())
    return True


def _is_number(node: Node) -> bool:
    if node.op.name == "check":
        return False
    return node.on_numbers or node.op.name in ARRAYS
