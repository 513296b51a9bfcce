"""What the parts of the emitter share while one module is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from autodiffc.compiler.ir import Graph, Literal, Node, fact
from autodiffc.compiler.model import Argument, Derivative, Program
from autodiffc.compiler.types import Dim, Type

from .names import Names, Scope
from .sourcelines import LogicalLines
from .telling import described

if TYPE_CHECKING:
    from .tiles import TileFunction

WIDTH = 100
PYTHON = {"real": "float", "int": "int", "bool": "bool"}


RESERVED = frozenset({
    "_REAL", "_FLOAT", "_INT", "_BOOL", "_ONES", "_QUIET", "_quiet", "_IDLE", "_SPACES",
    "_small_buffers", "_usual_buffers",
})  # fmt: skip
Fact = TypeVar("Fact")
Recipes = dict[Literal, tuple[Node, Graph]]  # the node that a constant stands for, in its graph


@dataclass(eq=False)
class Context:
    """One module under way: the model, the options, and what its functions turn out to need."""

    program: Program
    derivative: Derivative
    level: int
    dtype: str
    version: str
    names: Names
    lines: LogicalLines
    tables: dict[Literal, str] = field(default_factory=dict)  # array constants, by their module-level names
    recipes: Recipes = field(default_factory=dict)  # of array constants that the module computes
    globals: Scope = field(init=False)  # the names of the arrays that it computes
    line_ops: dict[int, list[str]] = field(default_factory=dict)  # the ops of the model's values on each line

    tiles: list[TileFunction] = field(default_factory=list)  # functions that are called, in order
    tiles_written: int = 0

    facts: dict[str, Any] = field(default_factory=dict)  # what `once` keeps

    def __post_init__(self) -> None:
        self.globals = self.names.scope(RESERVED)

    @property
    def real(self) -> str:
        """The NumPy type of `real`."""
        return f"np.{self.dtype}"

    def table(self, literal: Literal) -> str:
        """The module-level name of an array constant."""
        if literal not in self.tables:
            self.tables[literal] = self._table_name(literal)
        return self.names.ref(self.tables[literal])

    def _table_name(self, literal: Literal) -> str:
        if literal not in self.recipes:
            return f"_TABLE_{len(self.tables) + 1}"
        node, graph = self.recipes[literal]
        told = graph.names.get(node) or described(node, lambda n: graph.names.get(n, ""))
        return self.globals.fresh(f"_{told.upper()}")

    def local(self, name: str) -> str:
        return self.names.local(name)

    def ref(self, name: str) -> str:
        return self.names.ref(name)

    def numpy_type(self, type: Type) -> str:
        """The dtype of a value, as text."""
        return {"real": self.real, "int": "np.int64", "bool": "np.bool_"}[type.kind]


def once(function: Callable[[Context], Fact]) -> Callable[[Context], Fact]:
    """A fact about the module, worked out when it is first asked for."""

    @wraps(function)
    def kept(context: Context) -> Fact:
        if function.__name__ not in context.facts:
            context.facts[function.__name__] = function(context)
        fact: Fact = context.facts[function.__name__]
        return fact

    return kept


@once
def value_names(context: Context) -> frozenset[str]:
    """The names of the model's values; those that a pass gives are not among them."""
    inside = (names_in(graph) for graph in graphs_in(context.program.graph))
    return frozenset().union(*inside, context.program.outputs)


def graphs_in(graph: Graph) -> Iterator[Graph]:
    """A graph and the bodies in it."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(body for node in current.nodes() for body in node.subgraphs())


@fact
def loop_lengths(graph: Graph) -> frozenset[Dim]:
    """The numbers of steps of the loops in a graph and in its bodies."""
    nodes = (node for inner in graphs_in(graph) for node in inner.nodes())
    return frozenset(node["length"] for node in nodes if node.op.name == "loop")


def names_in(graph: Graph) -> list[str]:
    """The names that the model gives to values; in a body also those of its inputs."""
    return [*graph.names.values(), *(node["name"] for node in graph.inputs)]


def model_names(program: Program) -> list[str]:
    """Every name that the model gives: to arguments, dims, outputs and values."""
    names = [a.name for a in program.arguments] + [d.name for d in program.draws]
    names += [*program.dims, *program.outputs]
    seen: dict[str, None] = dict.fromkeys(names)
    for graph in graphs_in(program.graph):
        seen.update(dict.fromkeys(names_in(graph)))
    return list(seen)


def shown_type(type: Type) -> str:
    """A type in a comment; the number of steps of a loop, as a dim, without its mark."""
    return str(type).replace("_steps", "steps")


def python_type(value: Node | Argument) -> str:
    """The annotation of a value in the emitted module."""
    return "ndarray" if value.type.rank else PYTHON[value.type.kind]
