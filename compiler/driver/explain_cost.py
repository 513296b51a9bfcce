"""`autodiffc model.dsl --explain-cost`: what the emitted functions cost, and why.

    logistic at -O1, float64
    N = 1000, D = 50; times as on a CPU with AVX512, like this one

                       FLOPs     bytes      peak       time
    value_and_grad   206 k  974 kB   16 kB   29.1 µs
    forward          104 k  …

Sizes come of `--sizes`; those that it leaves out are assumed. Formulas are exact, times are predictions from
the measured numbers of one machine: only what they are to each other means something. The checks of arguments
at the boundary, a few microseconds, are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import floor, log10
from textwrap import shorten, wrap

from autodiffc.codegen.module import lowered
from autodiffc.codegen.sourcelines import LogicalLines
from autodiffc.compiler.cost import Costs, Machine, detected, estimate, graph_work, machine_called
from autodiffc.compiler.cost.breakdown import lines, notes_of, stacked
from autodiffc.compiler.cost.formulas import bytes_of, total
from autodiffc.compiler.cost.prediction import ASSUMED
from autodiffc.compiler.ir import Graph, Note
from autodiffc.compiler.model import Derivative, Program
from autodiffc.compiler.samples import BadSizes, refuse_unknown
from autodiffc.compiler.types import Dim

from .api import Options, derivative_of

WIDTH, DEAREST, DECISIONS, TERMS = 96, 10, 40, 4
REAL = {"float64": 8, "float32": 4}
PREFIXES = {-3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}


def explain_cost(program: Program, options: Options, sizes: Mapping[str, int], cpu: str = "") -> str:
    """The report, for a terminal of 100 columns; `cpu` is AVX512 or AVX2, by default what this one has."""
    refuse_unknown(program, sizes)
    derivative = lowered(derivative_of(program, options), options.level, options.dtype)
    return _Report(program, derivative, options, sizes, machine_called(cpu) if cpu else None).text()


class _Report:
    def __init__(
        self,
        program: Program,
        derivative: Derivative,
        options: Options,
        sizes: Mapping[str, int],
        machine: Machine | None,
    ):
        self.program = program
        self.options = options
        self.given = sizes
        self.sizes = {name: sizes.get(name, ASSUMED) for name in program.dims}
        self.real = REAL[options.dtype]
        self.machine, self.is_own = machine or detected(), machine is None
        self.costs = Costs(self.machine, self.sizes, self.real)
        self.lines = LogicalLines(program.source)
        self.derivative = derivative
        named = {
            "value_and_grad": derivative.value_and_grad,
            "forward": derivative.forward,
            "backward": derivative.backward,
        }
        self.graphs = {name: graph for name, graph in named.items() if graph is not None}

    def text(self) -> str:
        blocks = [self._heading(), self._table(), self._formulas(), self._dearest(), self._decisions()]
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    def _heading(self) -> list[str]:
        options = self.options
        has = "with" if self.machine.name == "AVX512" else "without"
        same = ", like this one" if self.is_own else ""
        shown = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        assumed = [name for name in self.sizes if name not in self.given]
        known = f"{shown}{f' ({_listed(assumed)} assumed: see --sizes)' if assumed else ''}"
        first = f"{self.program.name} at -O{options.level}, {options.dtype}"
        return [
            first,
            *wrap("; ".join(filter(None, [known, f"times as on a CPU {has} AVX512{same}"])), WIDTH),
        ]

    # --- numbers -----------------------------------------------------------------------------------

    def _table(self) -> list[str]:
        rows = [("", "FLOPs", "bytes", "peak", "time")]
        seconds: dict[str, float] = {}
        for name, graph in self.graphs.items():
            cost = estimate(graph, self.sizes, self.machine, self.real)
            seconds[name] = cost.seconds
            numbers = (quantity(cost.flops, ""), quantity(cost.bytes, "B"), quantity(cost.peak, "B"))
            rows.append((name, *numbers, quantity(cost.seconds, "s")))
        widths = [max(map(len, column)) for column in zip(*rows)]
        table = ["   ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
        return [*table, *self._ratio(seconds), *self._kept()]

    def _ratio(self, seconds: Mapping[str, float]) -> list[str]:
        forward, both = seconds["forward"], seconds.get("value_and_grad")
        if both is None and "backward" in seconds:
            both = forward + seconds["backward"]
        if both is None or not forward:
            return []
        return ["", f"value and gradient take {both / forward:.1f} times as long as the value alone"]

    def _kept(self) -> list[str]:
        kept, stacks = self.costs.number(self._cache()), self.costs.number(self._stacks())
        found = []
        if "backward" in self.graphs:
            found.append(f"forward() keeps {quantity(kept, 'B')} for backward(), beside the arguments")
        if stacks:
            found.append(f"loops of value_and_grad() stack {quantity(stacks, 'B')}")
        return found

    def _cache(self) -> Dim:
        """The bytes that the cache holds beside the arguments."""
        outputs = dict(self.derivative.forward.outputs)
        saved = {outputs[name] for name in self.derivative.saved}
        return total(bytes_of(node.type, self.real) for node in saved if node.op.name != "argument")

    def _stacks(self) -> Dim:
        graph = self.derivative.value_and_grad
        return stacked(graph) if graph is not None else Dim.of(0)

    # --- formulas ----------------------------------------------------------------------------------

    def _formulas(self) -> list[str]:
        found: list[tuple[str, Dim]] = []
        for name, graph in self.graphs.items():
            done = graph_work(graph, self.real)
            found += [(f"FLOPs of {name}", done.flops), (f"bytes of {name}", done.bytes)]
        if "backward" in self.graphs:
            found.append(("bytes kept", self._cache()))
        if self._stacks().terms:
            found.append(("bytes stacked", self._stacks()))
        width = max(len(name) for name, _ in found)
        return [f"{name:<{width}} = {self._leading(formula)}" for name, formula in found]

    def _leading(self, formula: Dim) -> str:
        """The terms that matter at these sizes, the largest first."""
        terms = [Dim((term,)) for term in formula.terms]
        terms.sort(key=lambda term: -self.costs.number(term))
        shown = " + ".join(map(str, terms[:TERMS])) or "0"
        return f"{shown} + …" if len(terms) > TERMS else shown

    # --- lines -------------------------------------------------------------------------------------

    def _dearest(self) -> list[str]:
        graph: Graph = next(iter(self.graphs.values()))
        found = [line for line in lines(graph, self.costs) if line.nanoseconds]
        whole = sum(line.nanoseconds for line in found)
        rows = []
        for line in found[:DEAREST]:
            text = self._source_text(line.span.line) if line.span else "(what no line stands for)"
            number = str(self.lines.start(line.span.line)) if line.span else ""
            share = f"{100 * line.nanoseconds / whole:3.0f}%"
            rows.append(f"{number:>5}  {share}  {quantity(1e-9 * line.nanoseconds, 's'):>8}  {text}")
        return [f"lines of the model by their time in {next(iter(self.graphs))}", *rows] if rows else []

    def _source_text(self, line: int) -> str:
        return shorten(self.lines.text(self.lines.start(line)), WIDTH - 24, placeholder=" …")

    def _decisions(self) -> list[str]:
        noted = notes_of(*self.graphs.values())
        notes = sorted(noted, key=lambda note: (note.kind, self._first_line(note)))
        return ["decisions", *self._noted(notes)] if notes else []

    def _noted(self, notes: Sequence[Note]) -> Iterator[str]:
        width = max(len(note.kind) for note in notes)
        for note in notes[:DECISIONS]:
            line = self._first_line(note)
            yield f"{line or '':>5}  {note.kind:<{width}}  {note.text}"
        if len(notes) > DECISIONS:
            yield f"       and {len(notes) - DECISIONS} more"

    def _first_line(self, note: Note) -> int:
        return min((self.lines.start(place.span.line) for place in note.places), default=0)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def quantity(value: float, unit: str) -> str:
    """Three digits and a prefix: 12.3 kB, 4.56 ms."""
    if not value:
        return f"0 {unit}".strip()
    power = max(-3, min(4, floor(log10(value * 1.0005) / 3)))
    value, prefix = value / 1e3**power, PREFIXES[power]
    digits = f"{value:.0f}" if prefix == "" or value >= 99.95 else f"{value:.3g}"
    return f"{digits} {prefix}{unit}".strip()


__all__ = ["BadSizes", "explain_cost", "quantity"]
