"""What the parts of the checker share: the findings, and what is known beside the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import CODES, Diagnostic, Note, suggestion
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Source, Span

from ..ir import Node, Origin
from ..model import Requirement
from ..ops.checks import check
from ..ops.windows import SLIDING, rooms
from ..passes.fold import constant_array
from ..types import INT, Dim, Type, TypeProblem, divisions, shape_text, size_of
from .counting import Counting
from .positions import Range, labels_in_range, overlap, picked, reads_whole_axes
from .values import POISON, Poison, Value, describe

if TYPE_CHECKING:
    from .expressions import Evaluator
from .variables import Access, Variable

# A model larger than this, and one that unfolds beyond it (functions that call functions twice), is refused.
NODE_LIMIT = 300_000
CALL_LIMIT = 50_000
CALL_DEPTH_LIMIT = 60
SUGGESTIONS_LIMIT = 200
# Ops that make arrays of sizes that the model works out.
OF_GIVEN_SIZE = frozenset(["broadcast_to", "eye", "arange", "linspace", "one_hot", "tile", "repeat", "pad"])
LARGEST_ARRAY = 2**50  # elements
LARGEST_RANK = 32  # of NumPy 1.26

TITLES = {
    "E0105": "an int beyond 64 bits",
    "E0205": "arguments that do not fit",
    "E0207": "no such axis",
    "E0212": "too large",
}


@dataclass(eq=False)
class Files:
    """The files that a model imports, and what each defines."""

    read: dict[str, Evaluator] = field(default_factory=dict)  # by its real path: what knows its names
    sources: list[Source] = field(default_factory=list)
    differentiated_by: set[str] = field(default_factory=set)  # the names in `grad(L, W)` and `jvp(y, x, v)`
    chain: list[tuple[str, Span]] = field(
        default_factory=list
    )  # those being read, and where they are imported


@record(frozen=True, eq=False)
class Assumption:
    """That a carried value does not depend on a value of outside its loop, which is differentiated by."""

    state: Node
    wrt: Node
    name: Span
    span: Span


@dataclass(eq=False)
class Own:
    """What is made in a body while it is evaluated: its nodes, and what is asserted in it.

    `is_counted`: how often it is run is known before it is. `carried` are the inputs of a loop's body, with
    the values before the first step of those that it carries.
    """

    nodes: set[Node] = field(default_factory=set)
    checks: list[Node] = field(default_factory=list)
    is_counted: bool = True
    carried: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    assumptions: list[Assumption] = field(default_factory=list)


@dataclass(eq=False)
class Context:
    """The state of one compilation's front end.

    `calls` are the spans of the calls that are being expanded, outermost first; a node made in them
    belongs to the outermost one's line first.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    origins: dict[Node, tuple[Origin, ...]] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    requirements: list[Requirement] = field(default_factory=list)
    calls: list[tuple[str, Span]] = field(default_factory=list)
    expanding: list[Span] = field(default_factory=list)  # the definitions of the functions in `calls`
    expanded: set[Span] = field(default_factory=set)  # the definitions of all functions ever called
    assumed_known: frozenset[str] = frozenset()  # names in statements that did not parse or do not hold
    defined: dict[str, Span] = field(default_factory=dict)  # where each value of the file is first defined
    functions: dict[str, ast.FuncDef] = field(default_factory=dict)  # every function of the file
    ambiguous: frozenset[str] = frozenset()  # functions that are defined twice
    node_count: int = 0
    call_count: int = 0
    outside: Own = field(default_factory=Own)  # what is made in no body
    files: Files = field(default_factory=Files)
    is_endless: bool = False  # it has unfolded to more than the limits allow
    loop_count: int = 0  # of the loops whose number of steps is no dim
    depth: int = 0  # of nested expressions under evaluation
    bodies: list[Own] = field(default_factory=list)  # those that are being evaluated, outermost first
    counting: Counting = field(default_factory=Counting)
    variables: list[Variable] = field(default_factory=list)  # every `var`
    accesses: list[Access] = field(default_factory=list)  # where their elements are written and read
    implied: dict[Node, Range] = field(default_factory=dict)  # what the elements of arguments must be in
    touched: set[Variable] = field(default_factory=set)  # those that a statement writes, rightly or not
    seen: dict[Span, list[str]] | None = None  # the types of each expression, where these are asked for

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        notes: tuple[Note, ...] = (),
        help: str = "",
    ) -> Poison:
        """Record a finding, once; the result stands for the value that is missing because of it."""
        called = [Note(span, f"in the call of `{name}`") for name, span in reversed(self.calls)]
        finding = (code, message, span)
        if called and span.source is not called[-1].span.source:
            # What the library refuses is shown where the model calls it, and a call is refused once.
            place = next(i for i, c in enumerate(called) if c.span.source is called[-1].span.source)
            notes = (Note(span, f"in `{self.calls[-1 - place][0]}`"),)
            span, called = called[place].span, called[place + 1 :]
            finding = ("", "", span)
        if finding not in self._reported:
            self._reported.add(finding)
            self.diagnostics.append(Diagnostic(code, message, span, label, notes + tuple(called[:3]), help))
        return POISON

    def see(self, span: Span, value: Value) -> None:
        """Note what an expression is; in a function it may be something else at each call."""
        if self.seen is not None and not isinstance(value, Poison):
            types = self.seen.setdefault(span, [])
            if (text := describe(value)) not in types:
                types.append(text)

    def problem(
        self, code: str, label: str, span: Span, where: str = "", notes: tuple[Note, ...] = ()
    ) -> Poison:
        """Record what an op or a conversion could not accept."""
        title = TITLES.get(code, CODES[code])
        joint = " " if code == "E0205" else " in "
        return self.report(code, title + joint + where if where else title, span, label, notes)

    def made(self, node: Node, span: Span) -> Node:
        """Give the nodes below `node` that have no place yet the place of the expression that made them."""
        places = tuple(Origin(s) for _, s in self.calls[:1]) + (Origin(span),)
        stack = [node]
        while stack:
            current = stack.pop()
            if current in self.origins or current.op.name == "argument":
                continue
            self.origins[current] = places
            if self.bodies:
                self.bodies[-1].nodes.add(current)
                if current.op.name == "random_mask" and not all(body.is_counted for body in self.bodies):
                    raise TypeProblem("E0205", "dropout in a loop whose steps only run time counts")
            if current.op.name == "reshape":
                self._require_divisible(current, span)
            elif current.op.name in OF_GIVEN_SIZE:
                self._require_sizes(current, span)
            elif current.op.name in SLIDING:
                for room, text in rooms(current):
                    self.require(room, text, span)
            self._require_positions(current, span)
            self.node_count += 1
            self.check_size(current.type)
            stack.extend(current.args)
        if self.node_count > NODE_LIMIT:
            self.stop(span)
        return node

    @property
    def checks(self) -> list[Node]:
        """What is asserted where we are."""
        return (self.bodies[-1] if self.bodies else self.outside).checks

    @contextmanager
    def body(self) -> Iterator[Own]:
        """Collect what is made; what is known of ints in here is forgotten after it."""
        own = Own()
        before = self.counting
        self.bodies.append(own)
        self.counting = replace(before, ranges=dict(before.ranges))
        try:
            yield own
        finally:
            self.bodies.pop()
            before.serial = self.counting.serial
            self.counting = before

    def access(self, variable: Variable, kind: str, forms: tuple[Dim | None, ...], span: Span) -> Access:
        """A note of what is read or written of a `var` here."""
        counting = self.counting
        loops = counting.loops[variable.depth :]
        return Access(variable, kind, forms, span, loops, counting.branches, dict(counting.ranges))

    def fresh_length(self) -> Dim:
        """The number of steps of a loop that only run time knows; no dim of a model has such a name."""
        self.loop_count += 1
        return Dim.symbol(f"_steps{self.loop_count}")

    def way_back(self) -> Callable[[], None]:
        """A function that forgets what has been found since: for what must be evaluated once more."""
        count, reported, requirements = len(self.diagnostics), set(self._reported), list(self.requirements)
        known, variables, accesses = self.assumed_known, len(self.variables), len(self.accesses)

        def forget() -> None:
            del self.diagnostics[count:], self.variables[variables:], self.accesses[accesses:]
            self._reported, self.requirements, self.assumed_known = reported, requirements, known

        return forget

    def suggestion(self, word: str, known: Iterable[str]) -> str:
        """`did you mean …?`; it takes time, so that a file full of errors gets it for the first ones."""
        return suggestion(word, known) if len(self.diagnostics) < SUGGESTIONS_LIMIT else ""

    def stop(self, span: Span) -> Poison:
        """Refuse a model of too many operations, once: nothing of it is evaluated from now on."""
        if not self.is_endless:
            self.report("E0212", "the model unfolds to too many operations", span)
        self.is_endless = True
        return POISON

    @staticmethod
    def check_size(type: Type) -> None:
        """Refuse arrays of more axes than NumPy has, or whose size is too long an expression."""
        if type.rank > LARGEST_RANK:
            raise TypeProblem("E0212", f"{type.rank} axes; NumPy has at most {LARGEST_RANK}")
        size = size_of(type.shape).known
        if size is not None and size > LARGEST_ARRAY:
            raise TypeProblem("E0212", f"{shape_text(type.shape)} is more than any memory holds")

    def name(self, node: Node, name: str) -> None:
        """The model's name for a value; names of the model win over those inside its functions."""
        if node.op.name in ("argument", "dim") or (node.op.name == "const" and not node.rank):
            return
        if self.calls:
            self.names.setdefault(node, name)
        elif node not in self._outer_names:
            self._outer_names.add(node)
            self.names[node] = name

    _outer_names: set[Node] = field(default_factory=set)
    _reported: set[tuple[str, str, Span]] = field(default_factory=set)

    def _require_divisible(self, node: Node, span: Span) -> None:
        """Note what must divide what for a reshape to keep the number of elements."""
        shapes = node.args[0].shape, node.shape
        for dividend, divisor in divisions(*shapes):
            self.require(-(dividend % divisor), f"reshape of {' to '.join(map(shape_text, shapes))}", span)

    def _require_sizes(self, node: Node, span: Span) -> None:
        """Note that a size that is a difference of dims is no size where it is negative."""
        sizes = [width for pair in node["widths"] for width in pair] if node.op.name == "pad" else node.shape
        for size in sizes:
            self.require(size, f"the size {size}", span)

    def _require_positions(self, node: Node, span: Span) -> None:
        """Note how long an axis must be for the positions that the model itself names."""
        for picker, (low, high) in picked(node):
            known = list(_extremes(picker))
            for first, last in known:
                self.require(first - low, f"index {first} of an axis of {high}", span)
                self.require(high - last - 1, f"index {last} of an axis of {high}", span)
            if not (self._is_implied(picker, (low, high)) or known) and low == Dim.of(0):
                self._check_labels(picker, high, span)

    def _is_implied(self, picker: Node, range_: Range) -> bool:
        """Elements of an argument that all serve as positions give it a range, as the whole of it does."""
        if picker.op.name == "argument":
            return not self.bodies
        if picker.op.name not in ("getitem", "gather") or picker.args[0].op.name != "argument":
            return False
        if not reads_whole_axes(picker):
            return False
        at = [self.counting.form(a) for a in picker.args[1:] if a.type == INT]
        counted = all(self.counting.lowest(a) and self.counting.highest(a) for a in at)
        if not (counted and self.counting.certain and len(at) == len(picker.args) - 1):
            return False
        argument = picker.args[0]
        self.implied[argument] = overlap(self.implied.get(argument), range_)
        return True

    def _check_labels(self, labels: Node, classes: Dim, span: Span) -> None:
        """Labels that are computed are checked where they are: of -1 NumPy would make the last class."""
        if labels.op.name == "argmax" and labels.args[0].shape[labels["axis"][0]] == classes:
            return
        form = self.counting.form(labels) if labels.type == INT else Dim.of(-1)
        if self.counting.is_natural(form) and self.counting.is_natural(classes - 1 - form):
            return
        message = f"a label is not in range({classes})"
        inside = check(
            labels_in_range(labels, classes), text="", message=message, place=self.place(span), labels=()
        )
        self.checks.append(self.made(inside, span))

    def place(self, span: Span) -> str:
        """Where something stands, as a message of the module says it."""
        own = not self.calls or span.source is self.calls[0][1].source
        return f"line {span.line}" if own else f"{span.source.file}, line {span.line}"

    def require(self, slack: Dim, text: str, span: Span) -> None:
        """Note that the model holds only where `slack` is not negative; in an `if`, if that is taken."""
        if slack.known is None and not self.counting.follows(slack):
            for guard in self.counting.guards:
                slack = slack.maximum(-guard - 1)
            place = self.calls[0][1] if self.calls else span
            new = Requirement(slack, text, place.line)
            if all(old.slack != slack for old in self.requirements):
                self.requirements.append(new)


def _extremes(positions: Node) -> Iterator[tuple[Dim, Dim]]:
    """The least and the greatest of some positions, where they do not depend on data."""
    if positions.op.name == "dim":
        yield positions["dim"], positions["dim"]
    elif positions.op.name == "const":
        known = constant_array(positions)
        if known.size:
            yield Dim.of(int(known.min())), Dim.of(int(known.max()))
