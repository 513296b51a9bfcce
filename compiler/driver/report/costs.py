"""What the functions of a module cost, what is saved for the backward pass, what the passes made of it.

The numbers are those of `--explain-cost`: exact formulas, times as a prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from autodiffc.codegen.module import lowered
from autodiffc.codegen.sourcelines import LogicalLines
from autodiffc.compiler.cost import Costs, detected, estimate, graph_work
from autodiffc.compiler.cost.breakdown import lines, notes_of, stacked
from autodiffc.compiler.cost.formulas import bytes_of, work
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.model import Derivative, Program
from autodiffc.compiler.passes.base import Pass
from autodiffc.compiler.types import Dim

from ..api import Options
from ..explain_cost import REAL, quantity

TERMS, LINES, NOTES = 5, 20, 60  # of a formula, of the model, of the decisions
Rows = Sequence[Sequence[str]]


@dataclass(eq=False)
class Passes:
    """Observes the passes: the graphs before and after each that changed something."""

    graphs: list[tuple[str, Graph, Graph]] = field(default_factory=list)

    def observe(self, done: Pass, before: Graph, after: Graph) -> None:
        if before is not after:
            self.graphs.append((done.name, before, after))


def cost_section(
    program: Program, derivative: Derivative, options: Options, sizes: Mapping[str, int], passes: Passes
) -> str:
    """The tables as HTML."""
    return _Section(program, derivative, options, sizes, passes).html()


class _Section:
    def __init__(
        self,
        program: Program,
        derivative: Derivative,
        options: Options,
        sizes: Mapping[str, int],
        passes: Passes,
    ):
        self.program, self.passes = program, passes
        self.sizes = {name: size for name, size in sizes.items() if name in program.dims}
        self.real = REAL[options.dtype]
        self.machine = detected()
        self.costs = Costs(self.machine, self.sizes, self.real)
        self.logical = LogicalLines(program.source)
        self.derivative = lowered(derivative, options.level, options.dtype)
        named = {
            "value_and_grad": self.derivative.value_and_grad,
            "forward": self.derivative.forward,
            "backward": self.derivative.backward,
        }
        self.graphs = {name: graph for name, graph in named.items() if graph is not None}
        self._known: dict[tuple[object, ...], float] = {}

    def html(self) -> str:
        parts = (
            self._functions(),
            self._formulas(),
            self._saved(),
            self._lines(),
            self._passes(),
            self._notes(),
        )
        return "\n".join(filter(None, parts))

    def _functions(self) -> str:
        rows = []
        for name, graph in self.graphs.items():
            cost = estimate(graph, self.sizes, self.machine, self.real)
            numbers = (quantity(cost.flops, ""), quantity(cost.bytes, "B"), quantity(cost.peak, "B"))
            rows.append((f"<code>{name}</code>", str(_count(graph)), *numbers, quantity(cost.seconds, "s")))
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        head = ("function", "operations", "FLOPs", "bytes moved", "peak memory", "predicted time")
        told = f"The functions{f' at {sizes}' if sizes else ''}, on a CPU with {self.machine.name}"
        return _table(told, head, rows)

    def _formulas(self) -> str:
        rows = []
        for name, graph in self.graphs.items():
            done = graph_work(graph, self.real)
            rows.append((f"<code>{name}</code>", self._told(done.flops), self._told(done.bytes)))
        return _table("As formulas of the dims", ("function", "FLOPs", "bytes moved"), rows, numbers=False)

    def _told(self, formula: Dim) -> str:
        """The terms that matter at these sizes, the largest first."""
        terms = sorted((Dim((term,)) for term in formula.terms), key=lambda term: -self.costs.number(term))
        shown = " + ".join(map(str, terms[:TERMS])) or "0"
        return f"<code>{escape(shown)}{' + …' if len(terms) > TERMS else ''}</code>"

    def _saved(self) -> str:
        if "backward" not in self.graphs:
            return ""
        outputs = dict(self.derivative.forward.outputs)
        rows = []
        for name in self.derivative.saved:
            node = outputs[name]
            own = node.op.name != "argument"
            size = bytes_of(node.type, self.real)
            told = quantity(self.costs.number(size), "B") if own else "an argument: nothing"
            rows.append((f"<code>{escape(name)}</code>", f"<code>{escape(str(node.type))}</code>", told))
        graph = self.derivative.value_and_grad
        stacks = self.costs.number(stacked(graph)) if graph is not None else 0
        if stacks:
            rows.append(("what loops stack in <code>value_and_grad</code>", "", quantity(stacks, "B")))
        return _table("What forward() keeps for backward()", ("value", "type", "memory"), rows)

    def _lines(self) -> str:
        graph = next(iter(self.graphs.values()))
        found = [line for line in lines(graph, self.costs) if line.nanoseconds]
        whole = sum(line.nanoseconds for line in found)
        rows = []
        for line in found[:LINES]:
            share = 100 * line.nanoseconds / whole
            bar = f'<span class="bar" style="width:{share / 12:.2f}em"></span>'
            start = self.logical.start(line.span.line) if line.span else 0
            own = line.span is not None and line.span.source is self.program.source
            place = f'<a href="#s{start}">{start}</a>' if own else ""
            text = self.logical.text(start) if own else "(what no line of the model stands for)"
            time = quantity(1e-9 * line.nanoseconds, "s")
            rows.append((place, f"<code>{escape(_short(text))}</code>", time, f"{share:.0f}% {bar}"))
        head = ("line", "of the model", "time", "share")
        return _table(f"Where {next(iter(self.graphs))}() spends its time", head, rows)

    def _passes(self) -> str:
        rows = []
        for name, before, after in self.passes.graphs:
            nodes = _change(str(_count(before)), str(_count(after)))
            flops = _change(quantity(self._flops(before), ""), quantity(self._flops(after), ""))
            rows.append((f"<code>{escape(name)}</code>", *nodes, *flops))
        head = ("pass", "operations before", "after", "FLOPs before", "after")
        return _table(
            "What each pass did, in the order in which they ran (what changed nothing is left out)",
            head,
            rows,
        )

    def _flops(self, graph: Graph) -> float:
        """The operations at the sizes; those of like nodes are worked out once for all passes."""
        total = 0.0
        for node in graph.nodes():
            key = (node.op, node.attrs, node.type, *(a.type for a in node.args))
            if key not in self._known:
                self._known[key] = self.costs.number(work(node, self.real).flops)
            total += self._known[key]
        return total

    def _notes(self) -> str:
        rows = []
        for note in notes_of(*self.graphs.values())[:NOTES]:
            line = min((self.logical.start(place.span.line) for place in note.places), default=0)
            place = f'<a href="#s{line}">{line}</a>' if line else ""
            rows.append((place, escape(note.kind), escape(note.text)))
        return _table("Decisions for speed and memory", ("line", "what", "how"), rows, numbers=False)


def _count(graph: Graph) -> int:
    """The operations of a graph with those of its bodies, each once."""
    count, waiting = 0, [graph]
    while waiting:
        nodes = waiting.pop().nodes()
        count += sum(node.op.name not in ("argument", "const", "dim", "item") for node in nodes)
        waiting.extend(body for node in nodes for body in node.subgraphs())
    return count


def _change(before: str, after: str) -> tuple[str, str]:
    return before, f"<strong>{after}</strong>" if after != before else after


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:78] + " …"


def _table(caption: str, head: Sequence[str], rows: Rows, numbers: bool = True) -> str:
    """A table; columns whose cells begin with a digit are set to the right."""
    if not rows:
        return ""
    columns = [[row[k].removeprefix("<strong>") for row in rows] for k in range(len(head))]
    right = [
        numbers and k > 0 and all(cell[:1].isdigit() for cell in cells) for k, cells in enumerate(columns)
    ]
    kinds = [' class="number"' if flag else "" for flag in right]
    top = "".join(f'<th scope="col"{kind}>{escape(text)}</th>' for text, kind in zip(head, kinds))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds)) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )
