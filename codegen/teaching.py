"""Bodies of the teaching form (-O0): a value a line, and backward a step of the chain rule a line.

    d_f = 1.0                             # ∂f/∂f
    d_a = d_f * b                         # ∂f/∂a = ∂f/∂f · b     a product hands each factor the other one
    d_y = d_a                             # ∂f/∂y = ∂f/∂a · 1     first of the two paths to y
    d_y = d_y + d_b                       # ∂f/∂y = ∂f/∂y + ∂f/∂b · 1     at a fork gradients add

Each value of the model has a line and a name of its own, and so has its gradient; what a rule needs between
the two is written inside its step. A gradient that comes over several paths grows under its one name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from autodiffc.compiler.ir import Graph, Node

from .blocks import Slot, Statement
from .chain_rule import FORK, SAID, Lecture, first_of
from .context import WIDTH, Context, once, value_names
from .control import StructuredBody
from .memory import Memory
from .names import Scope
from .pytext import Expr
from .schedule import LEAVES, Group
from .writer import NOTE_COLUMN

_ASSIGNED = re.compile(r"(\w+) (\+?=) (.*)", re.DOTALL)
_ADDED = re.compile(r"(\w+)\[([^\]]+)\] \+= (.*)")
_ADDED_AT = re.compile(r"\w+\.add\.at\((\w+), (.+), (\w+)\)$")
_IDENTIFIER = re.compile(r"(?<![\w.])[^\W\d]\w*")
_NUMBERED = re.compile(r"_\d+$")
APART = " " * 5  # between a formula and what is said of it
INDENTS = {False: 4, True: 8}  # of a line in a function, and in a loop


@once
def lecture(context: Context) -> Lecture | None:
    """What can be said of the gradient's steps; None where there is no gradient."""
    model, target = context.derivative.model, context.program.target
    return Lecture(model, target, context.program.wrt) if model is not None and target is not None else None


class TeachingBody(StructuredBody):
    """A body whose adjoint steps are told."""

    def __init__(
        self,
        context: Context,
        graph: Graph,
        scope: Scope,
        given: Mapping[Node, Expr],
        output_names: Mapping[str, str] | None = None,
        memory: Memory | None = None,
    ):
        super().__init__(context, graph, scope, given, output_names, memory)
        self.turns: Counter[tuple[str, str]] = Counter()  # steps that were told, to a value from another
        self.said: set[str] = set()  # what needs no saying again
        self.parts: set[str] = set()  # names of what gradients are made of
        self._also: dict[Node, list[str]] = {}  # the names of a gradient that is several values'
        self._forks: dict[Node, int] = {}  # sums of contributions, and the number of paths
        seed = f"d_{context.program.target}"
        for node in graph.inputs:
            if node["name"] == seed and node in given and seed not in context.names.model:
                self.derivatives[given[node].text] = str(context.program.target)

    def nested(self, graph: Graph, given: Mapping[Node, Expr], memory: Memory) -> StructuredBody:
        body = super().nested(graph, given, memory)
        assert isinstance(body, TeachingBody)
        body.turns, body.said, body.parts = self.turns, self.said, self.parts
        return body

    def build(self) -> TeachingBody:
        super().build()
        self._show_gradients()
        return self

    def _show_gradients(self) -> None:
        """A gradient that is another adjoint too gets a line of its own."""
        for name, node in self.graph.outputs:
            shown = self.values.get(node)
            adjoint = name.startswith("d_") and node.op.name not in LEAVES
            if adjoint and shown is not None and self.derivatives.get(shown.text) != name.removeprefix("d_"):
                own, of = self._claimed(name), name.removeprefix("d_")
                self.derivatives[own], self.result_names[name] = of, own
                line = f"{own} = {self._handed(node, of) or shown}"
                note = self._note(node, line)
                self.statements.append(Statement(self.statements[-1].group, (line,), node, own, note=note))

    def _handed(self, node: Node, of: str) -> str:
        """Which of the names of a gradient the value got it from; nothing where it has one only."""
        told = lecture(self.context)
        steps = (
            name for name in self._also.get(node, ()) if told and told.has_step(of, self.derivatives[name])
        )
        return next(steps, "")

    # --- what stands in a line ---------------------------------------------------------------------

    def _may_wait(self, node: Node, length: int = 0) -> bool:
        """Whether it is a part of a step."""
        kept = node in self._rows or node in self._slots or node in self._sums
        return self._uses[node] == 1 and self._is_adjoint(node) and not self.name_of(node) and not kept

    def _is_adjoint(self, node: Node) -> bool:
        origins = self.graph.origins.get(node, ())
        return bool(origins) and all(origin.adjoint for origin in origins)

    def _find_sums(self) -> None:
        """The gradients that come over several paths."""
        told = lecture(self.context)
        for step in reversed(self._steps):
            given = self.graph.names.get(step.node, "")
            carried = step.node in self._slots  # in a variable that may still hold what it held before
            if told is not None and not carried and step.node.op.name == "add" and given.startswith("d_"):
                self._enter_fork(step.node, told.paths(given.removeprefix("d_")))

    def _enter_fork(self, final: Node, paths: int) -> None:
        """Enter the sums that a gradient is made of, one path after the other."""
        node = final
        for _ in range(1, paths):
            if node.op.name != "add" or not (node is final or self._may_bear(node, final)):
                return
            self._forks[node] = paths
            if self._may_bear(node.args[0], final):
                self._sums[node.args[0]] = final
            node = node.args[0]

    def _may_bear(self, part: Node, total: Node) -> bool:
        """Whether a part of a gradient can have the name of the whole."""
        own = part.op.name not in LEAVES and part.op.name != "item" and part not in self.graph.names
        return own and self._uses[part] == 1 and part.type == total.type and part not in self.values

    def _assign(self, group: Group, node: Node, expr: Expr, updates: tuple[str, ...] = ()) -> None:
        if node in self._forks and not updates:
            expr = self._begun(group, node, expr)
        super()._assign(group, node, expr, updates)
        if group.adjoint and node in self.values and node not in self._slots:  # else it is but a row
            self._hand_on(group, node)

    def _hand_on(self, group: Group, node: Node) -> None:
        """A gradient that a sum hands on to a value of the model's own is called after that from here on."""
        told, name = lecture(self.context), self.values[node].text
        of = self.derivatives.get(name, "")
        if told is None or name != f"d_{of}" or self.graph.names.get(node) != name:
            return
        for term in told.handed_on(of):
            if term in value_names(self.context) and f"d_{term}" not in self._named:
                own = self._claimed(f"d_{term}")
                line = f"{own} = {self.values[node]}"
                self.derivatives[own] = term
                self._also.setdefault(node, [name]).append(own)
                note = self._note(node, line)
                self.statements.append(Statement(group, (line,), node, own, note=note))
                self.values[node] = Expr(own)

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(self.graph.names.values())

    def _begun(self, group: Group, node: Node, total: Expr) -> Expr:
        """A sum whose first part stands under the name of the whole, after a statement that puts it there."""
        final, first = self._sums.get(node, node), self.values.get(node.args[0])
        named = first is not None and total.text.startswith(f"{first.text} + ")
        if final in self._grown or first is None or not named or node.args[0].op.name == "argument":
            return total
        name = self._own_name(final)
        self._grown[final] = name
        line = f"{name} = {first.text}"
        note = self._note(node.args[0], line, self._forks[node])
        self.statements.append(Statement(group, (line,), node.args[0], name, note=note))
        return replace(total, text=f"{name}{total.text[len(first.text) :]}")

    def _slot_name(self, node: Node, slot: Slot, texts: Iterable[str]) -> str:
        name = super()._slot_name(node, slot, texts)
        if slot.name.startswith("d_") and self._is_adjoint(node):
            of = _NUMBERED.sub("", slot.name).removeprefix("d_")
            self.derivatives.setdefault(slot.name, of)
            self.derivatives.setdefault(name, of)
        return name

    def _grown_line(self, node: Node, name: str, text: str) -> str:
        return "" if node in self._forks else super()._grown_line(node, name, text)

    # --- what is said of it ------------------------------------------------------------------------

    def _add(self, group: Group, lines: tuple[str, ...], node: Node, name: str) -> None:
        super()._add(group, lines, node, name)
        if group.adjoint and len(lines) > 1:
            self.statements[-1] = replace(self.statements[-1], note=self._note_of_part(lines[-1]))
        elif group.adjoint:
            final = self._sums.get(node)
            paths = self._forks.get(node) or (self._forks.get(final, 0) if final is not None else 0)
            self.statements[-1] = replace(self.statements[-1], note=self._note(node, lines[0], paths))

    def _note(self, node: Node, line: str, paths: int = 0) -> str:
        """The step as a formula, and what is said of it if there is room."""
        told = lecture(self.context)
        assigned = _ASSIGNED.match(line)
        if told is None or assigned is None:
            return self._note_of_part(line)
        name, sign, value = assigned.groups()
        of, read = self.derivatives.get(name, ""), self._read(value)
        same = [other for other in read if self.derivatives[other] == of]
        sources = [other for other in read if other not in same]
        if not of:
            self.parts.add(name)
            return f"a part: {self._plain(value)}" if sources else ""
        if value in same:
            return f"{told.by(of)} so far"
        grows = sign == "+=" or any(value.startswith(f"{other} + ") for other in same)
        if same and not grows:  # of a value that another of its name is made of
            return f"{told.by(of)} before = {self._plain(value)}"
        if not read:
            zero = value == "0.0" or value.startswith("np.zeros")
            shown = "0 at first" if zero else self._plain(value)
            return told.by(of) if node.op.name == "seed" else f"{told.by(of)} = {shown}"
        begun = next((first for first in (*same, *self.parts) if value.startswith(f"{first} + ")), "")
        rest = value.removeprefix(f"{begun} + ")
        formula, op = "", ""
        if len(sources) == 1:
            source = self.derivatives[sources[0]]
            formula, op = told.step(of, source, self.turns[of, source], rest in read)
            self.turns[of, source] += 1
        shown = formula or self._plain(rest)
        if begun and not grows:
            shown = f"{begun} + {shown}"
        whole = f"{told.by(of)} = {f'{told.by(of)} + ' if grows else ''}{shown}"
        return self._with_word(
            line, whole, FORK if grows else first_of(paths, of) if paths else SAID.get(op, "")
        )

    def _note_of_part(self, line: str) -> str:
        """What is said of a step that adds to a part of a gradient."""
        told, added = lecture(self.context), _ADDED.match(line) or _ADDED_AT.match(line)
        if told is None or added is None or added[1] not in self.derivatives:
            return ""
        return f"{told.by(self.derivatives[added[1]])}[{added[2]}] += {self._plain(added[3])}"

    def _with_word(self, line: str, formula: str, word: str) -> str:
        """The formula with a word, which is said once, and only where it has room."""
        taken = INDENTS[self.is_nested] + max(len(line), NOTE_COLUMN) + 4
        longer = f"{formula}{APART}{word}"
        if not word or word in self.said or taken + len(longer) > WIDTH:
            return formula
        self.said.add(word)
        return longer

    def _read(self, text: str) -> list[str]:
        """The derivatives that a text mentions, each once."""
        return list(dict.fromkeys(name for name in _IDENTIFIER.findall(text) if name in self.derivatives))

    def _plain(self, text: str) -> str:
        """A text of Python as a formula."""
        told = lecture(self.context)
        assert told is not None

        def symbol(match: re.Match[str]) -> str:
            name = match.group(0)
            return told.by(self.derivatives[name]) if name in self.derivatives else name

        shown = _IDENTIFIER.sub(symbol, text)
        return shown.replace(" * ", " · ").replace("np.", "").replace("math.", "").replace(".T", "ᵀ")
