"""What `--dump`, `--dump-dir`, `--timings` and `--verify` show of a compilation."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from autodiffc.codegen.dot import to_dot
from autodiffc.codegen.schedule import dump_schedule
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.passes.base import Pass
from autodiffc.compiler.verify import verifying
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.parser import parse
from autodiffc.grammar.printer import dump as dump_syntax
from autodiffc.grammar.source import Source

from .api import Options, derivative_of, program_of
from .files import write_whole


@dataclass(eq=False)
class Watch:
    """Observes the passes: writes graphs, takes times, verifies."""

    folder: str | None = None
    verifies: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    count: int = 0
    _since: float = field(default_factory=time.perf_counter)

    def observe(self, done: Pass, before: Graph, after: Graph) -> None:
        now = time.perf_counter()
        self.seconds[done.name] = self.seconds.get(done.name, 0.0) + now - self._since
        if self.verifies:
            verifying(done, before, after)
        if self.folder:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            write_whole(Path(self.folder) / f"{self.count:02d}-{done.name}.ir", print_graph(after))
        self.count += 1
        self._since = time.perf_counter()

    def report(self) -> str:
        width = max(map(len, self.seconds), default=0)
        return "\n".join(f"{name:<{width}}  {1e3 * spent:8.2f} ms" for name, spent in self.seconds.items())


def dump(source: Source, stage: str, options: Options) -> str:
    """The text of a stage; UsageError for a stage that there is not."""
    if stage == "ast":
        model, diagnostics = parse(source)
        if diagnostics:
            raise ModelError(diagnostics)
        return dump_syntax(model).rstrip("\n") + "\n"
    program = program_of(source, options.dims)
    if stage == "ir":
        return print_graph(program.graph)
    seen: list[tuple[str, Graph]] = []
    derivative = derivative_of(program, options, lambda done, before, after: seen.append((done.name, after)))
    final = derivative.value_and_grad or derivative.backward or derivative.forward
    if stage == "schedule":
        return dump_schedule(final, level=options.level)
    if stage == "dot":
        return to_dot(final)
    wanted = stage.removeprefix("ir:")
    graphs = [graph for name, graph in seen if name == wanted]
    if not stage.startswith("ir:") or not graphs:
        from .cli import UsageError

        passes = ", ".join(dict.fromkeys(name for name, _ in seen))
        raise UsageError(
            f"--dump {stage}: a stage is ast, ir, schedule, dot or ir:PASS with a pass among {passes}"
        )
    return print_graph(graphs[0])
