"""A syntax tree becomes a Program: every statement checked, every value a node of the primal graph.

    program = check(model, dims={"K": 20})

All errors of the file are collected and raised together as one ModelError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Diagnostic, ModelError, Note
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Source, Span

from ..ir import Graph, Node
from ..model import Argument, Binding, Program
from ..ops.derivatives import laid_open
from ..types import Dim, TypeProblem
from . import branches, control  # noqa: F401  (they fill HANDLERS)
from .adjoints import attach
from .asserts import guard_outputs
from .blocks import HANDLERS, step
from .calls import call
from .context import Context
from .declarations import Declarations, declare, differentiated
from .derivatives import names_differentiated_by, without_own
from .draws import masks_as_arguments
from .expressions import Evaluator
from .files import import_file
from .functions import define_function, names_in_functions
from .initialisers import weighed
from .modules import import_names
from .positions import Range, overlap, picked
from .scope import Scope
from .statements import defined_names, spoil, statements_below, targets_of
from .values import Poison
from .variables import findings
from .walk import words_of

LONGEST_HEAD = 4_000
FIXED = {
    ast.InputDecl: "an input", ast.ParamDecl: "a param", ast.DimDecl: "a dim", ast.ConstDecl: "a const",
    ast.OutputDecl: "an output", ast.LossDecl: "a loss",
}  # fmt: skip
FUNCTIONS = (ast.FuncDef, ast.AdjointDef)
RESULTS = (ast.OutputDecl, ast.LossDecl)
OF_A_LIBRARY = (*FUNCTIONS, ast.ConstDecl, ast.DimDecl, ast.LibraryImport, ast.FileImport)


@record(frozen=True, eq=False)
class Examined:
    """What is known of a model, right or wrong: its names, the types of its expressions, the findings."""

    scope: Scope
    seen: Mapping[Span, Sequence[str]]
    diagnostics: tuple[Diagnostic, ...]
    program: Program | None  # None where there are findings


def examined(
    model: ast.Model, syntax_errors: Sequence[Diagnostic] = (), dims: Mapping[str, int] | None = None
) -> Examined:
    """Check a model for someone who looks at it while it is being written."""
    seen: dict[Span, list[str]] = {}
    context = Context(diagnostics=list(syntax_errors), assumed_known=words_of(syntax_errors), seen=seen)
    evaluator = Evaluator(context, Scope(), call)
    try:
        program = _checked(evaluator, model, bool(syntax_errors), dims)
    except ModelError as error:
        return Examined(evaluator.scope, seen, error.diagnostics, None)
    return Examined(evaluator.scope, seen, (), program)


def check(
    model: ast.Model, syntax_errors: Sequence[Diagnostic] = (), dims: Mapping[str, int] | None = None
) -> Program:
    """The Program of a model; ModelError with all that is wrong with it.

    `syntax_errors` are the parser's findings: what their lines may have defined is taken as known.
    `dims` are the values that `-D` gives to dims.
    """
    context = Context(diagnostics=list(syntax_errors), assumed_known=words_of(syntax_errors))
    return _checked(Evaluator(context, Scope(), call), model, bool(syntax_errors), dims)


def _checked(
    evaluator: Evaluator, model: ast.Model, incomplete: bool, dims: Mapping[str, int] | None
) -> Program:
    context = evaluator.context
    for name in defined_names(tuple(s for s in model.statements if not isinstance(s, ast.AugAssign))):
        context.defined.setdefault(name.id, name.span)
    context.functions = {s.name.id: s for s in model.statements if isinstance(s, ast.FuncDef)}
    context.files.differentiated_by.update(names_differentiated_by(model))
    found = Declarations(overrides=dict(dims or {}))
    for statement in model.statements:
        try:
            _statement(evaluator, found, statement)
        except TypeProblem as problem:
            context.problem(problem.code, str(problem), statement.span)
            spoil(evaluator, statement)
    _variables(context)
    target, wrt = differentiated(evaluator, found)
    bindings = _bindings(context, found)
    _whole_file(context, found, model, incomplete)
    names_in_functions(evaluator, model)
    if context.diagnostics:
        raise ModelError(context.diagnostics)
    return _program(model.source, context, found, target, wrt, bindings)


def _statement(evaluator: Evaluator, found: Declarations, statement: ast.Statement) -> None:
    context = evaluator.context
    if type(statement) in HANDLERS:
        step(evaluator, statement)
    elif isinstance(statement, ast.FuncDef):
        define_function(evaluator, statement)
    elif isinstance(statement, ast.AdjointDef):
        attach(evaluator, statement)
    elif isinstance(statement, ast.LibraryImport):
        import_names(evaluator, statement)
    elif isinstance(statement, ast.FileImport):
        import_file(evaluator, statement)
    elif isinstance(statement, ast.Return):
        # The line above may be a `def` that did not parse.
        if not any(d.code < "E02" for d in context.diagnostics):
            context.report("E0309", "`return` outside a function", statement.span)
    elif declare(evaluator, found, statement):
        names = (target for target in targets_of(statement) if isinstance(target, ast.Name))
        evaluator.scope.fixed.update((name.id, FIXED[type(statement)]) for name in names)
    else:
        context.report("E0309", "a statement in the wrong place", statement.span)


def _variables(context: Context) -> None:
    """What is wrong with how the elements of each `var` are written and read."""
    found = findings(context.variables, context.accesses, context.touched)
    for message, label, span, help_text, other in found:
        notes = () if other is None else (Note(other.span, "it is written"),)
        context.report("E0315", message, span, label, notes, help_text)


# --- what only the whole file shows --------------------------------------------------------------


def _whole_file(context: Context, found: Declarations, model: ast.Model, incomplete: bool) -> None:
    place = Span(model.source, 0, 0)
    # One that stands in a block is reported there.
    wanted = any(isinstance(s, RESULTS) for s in statements_below(model.statements))
    if not found.outputs and not incomplete and not wanted:
        only = all(isinstance(s, OF_A_LIBRARY) for s in model.statements)
        message = (
            "a file of functions can only be imported"
            if only and any(isinstance(s, FUNCTIONS) for s in model.statements)
            else "neither `loss` nor `output`"
        )
        context.report("E0301", message, place, help="say what to compute: `output f = …` or `loss L = …`")
    for name in found.overrides:
        if name not in found.known_dims and not incomplete:
            known = ", ".join(sorted(found.known_dims)) or "none"
            context.report("E0311", f"-D {name}: the model has no such dim", place, help=f"its dims: {known}")


def _bindings(context: Context, found: Declarations) -> tuple[Binding, ...]:
    """Where each run-time dim gets its size: where it stands alone, else where it stands linearly."""
    bindings = []
    for dim, span in found.dims.items():
        places = [
            (argument.name, axis, *line)
            for argument in found.arguments
            for axis, size in enumerate(argument.type.shape)
            if (line := _line(size, dim)) is not None
        ]
        plain = [p for p in places if p[2:] == (1, 0)]
        best = (plain or places)[:1]
        if best:
            bindings.append(Binding(dim, *best[0]))
        elif not found.failed_argument and not any(d.code < "E02" for d in context.diagnostics):
            help_text = "it must stand in the type of an input or a param, or be given a value"
            context.report("E0302", f"nothing binds the dim `{dim}`", span, help=help_text)
    return tuple(bindings)


def _line(size: Dim, name: str) -> tuple[int, int] | None:
    """Factor and offset of a size that is factor * name + offset."""
    factor, offset = 0, 0
    for monomial, coefficient in size.terms:
        if monomial == (name,):
            factor = coefficient
        elif not monomial:
            offset = coefficient
        else:
            return None
    return (factor, offset) if factor > 0 else None


# --- the result ------------------------------------------------------------------------------------


def _program(
    source: Source,
    context: Context,
    found: Declarations,
    target: str | None,
    wrt: tuple[str, ...],
    bindings: tuple[Binding, ...],
) -> Program:
    outputs = tuple((name, node) for name, node in found.outputs.items() if not isinstance(node, Poison))
    arguments = sorted(found.arguments, key=lambda a: a.role == "param")
    inputs = tuple(found.nodes[a.name] for a in arguments)
    params = {node for a, node in zip(arguments, inputs) if a.role == "param"}
    outputs = guard_outputs(outputs, found.loss_name, context.checks, params)
    graph = Graph(inputs, outputs)
    live = graph.nodes()
    places = {node: context.origins[node] for node in live if node in context.origins}
    graph = graph.told(names=_live_names(context, found, live), origins=places)
    graph, draws = masks_as_arguments(without_own(graph), {*context.defined, *graph.names.values()})
    open_graph = laid_open(graph)
    return Program(
        name=found.model.name.id if found.model is not None else PurePath(source.name).stem,
        source=source,
        doc=_head_comment(source),
        dims=tuple(found.dims),
        constants=dict(found.constants),
        arguments=tuple(weighed(_labelled(arguments, open_graph, context.implied), open_graph)),
        graph=graph,
        outputs=tuple(found.outputs),
        loss=found.loss_name,
        target=target,
        wrt=wrt,
        bindings=bindings,
        requirements=tuple(context.requirements),
        imports=tuple(context.files.sources),
        draws=draws,
    )


def _labelled(arguments: list[Argument], graph: Graph, elements: Mapping[Node, Range]) -> Iterator[Argument]:
    """Inputs that serve as labels or positions, with the range that this gives them."""
    implied = {node: elements[node] for node in graph.nodes() if node in elements}
    for node in graph.nodes():
        for picker, range_ in picked(node):
            implied[picker] = overlap(implied.get(picker), range_)
    for argument, node in zip(arguments, graph.inputs):
        used = node in implied
        yield replace(argument, range=overlap(argument.range, implied[node])) if used else argument


def _live_names(context: Context, found: Declarations, live: list[Node]) -> dict[Node, str]:
    names = {node: context.names[node] for node in live if node in context.names}
    return names | {node: argument for argument, node in found.nodes.items()}


def _head_comment(source: Source) -> str:
    """The comment lines at the head of the file, as far as they make a docstring."""
    lines = []
    for line in source.text[:LONGEST_HEAD].lstrip("\ufeff").splitlines():
        if not line.lstrip().startswith("#"):
            break
        lines.append(line.lstrip().lstrip("#").strip())
    return "\n".join(lines).strip()
