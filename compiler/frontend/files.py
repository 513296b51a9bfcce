"""`from "layers.dsl" import dense, scale`: functions and constants of another file of the user's.

    layers.dsl                                   model.dsl
        const scale = 0.5                            from "layers.dsl" import dense
        def dense(x, W):                             h = dense(x, W)
            return tanh(scale * x @ W)

What is imported sees its own file: its functions, its consts, the dims that it gives a number. What else a
file declares (it may be a whole model) belongs to its own model: a function that uses it cannot be imported.
A file is read once, and its own errors are shown in it.
"""

from __future__ import annotations

import os
from dataclasses import replace

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import ModelError, Note, suggestion
from autodiffc.grammar.parser import parse
from autodiffc.grammar.reading import ImportRefused, read_import
from autodiffc.grammar.source import Source, Span

from ..types import TypeProblem
from .adjoints import attach
from .context import Context
from .declarations import Declarations, declare
from .derivatives import names_differentiated_by
from .expressions import Evaluator
from .functions import define_function, names_in_functions
from .modules import import_names
from .scope import Scope
from .statements import again, define, defined_names
from .values import Elsewhere, Poison, Static
from .walk import words_of

DEEPEST = 50  # files that import one another in a chain
MOST = 200  # files


def import_file(evaluator: Evaluator, statement: ast.FileImport) -> None:
    """Make the named functions and constants of another file known."""
    found = _opened(evaluator, statement)
    for name in statement.names:
        if found is None or found.context.diagnostics:  # what comes of a faulty file is not known
            evaluator.context.assumed_known |= {name.id}
        else:
            _take(evaluator, found, name, statement.path.value)


def _take(evaluator: Evaluator, found: Evaluator, name: ast.Name, file: str) -> None:
    """One name: the function, the constant, or both."""
    context, scope = evaluator.context, evaluator.scope
    function, binding = found.scope.functions.get(name.id), found.scope.values.get(name.id)
    if function is None and (binding is None or isinstance(binding.value, Elsewhere)):
        notes = () if binding is None else (Note(binding.span, "it is declared"),)
        known = [n for n, b in found.scope.values.items() if not isinstance(b.value, Poison)]
        help_text = suggestion(name.id, (*found.scope.functions, *known))
        if binding is not None:
            help_text = "functions, consts and dims that have a number can be imported"
        message = f'"{file}" has no function or const `{name.id}`'
        context.report("E0308", message, name.span, "", notes, help_text)
        context.assumed_known |= {name.id}
    if function is not None:
        earlier = scope.functions.get(name.id)
        if earlier is not None:
            again(evaluator, name, earlier)
        else:
            scope.functions[name.id] = replace(function, order=scope.count)
            scope.count += 1
    if binding is not None and not isinstance(binding.value, Elsewhere):
        define(evaluator, name, binding.value)


# --- reading -------------------------------------------------------------------------------------


def _opened(evaluator: Evaluator, statement: ast.FileImport) -> Evaluator | None:
    """What a file defines; None, and a report, where it cannot be read."""
    context, place = evaluator.context, statement.path.span
    source = _read(context, statement)
    if source is None:
        return None
    files, key = context.files, _key(source)
    if not files.chain:
        files.chain.append((_key(place.source), place))
    if key in files.read:
        return files.read[key]
    if _leads_back(context, key, source, place):
        return None
    if len(files.chain) > DEEPEST or len(files.read) >= MOST:
        context.report("E0308", "too many files", place, f"{MOST} at most, {DEEPEST} deep")
        return None
    files.chain.append((key, place))
    files.read[key] = _checked(evaluator, source)
    files.sources.append(source)
    files.chain.pop()
    return files.read[key]


def _read(context: Context, statement: ast.FileImport) -> Source | None:
    """The file that an import names; None, and a report, where it is none."""
    path = statement.path
    try:
        return read_import(path.span.source, path.value)
    except ImportRefused as problem:
        message = f'"{path.value}" cannot be imported'
        context.report("E0308", message, path.span, str(problem), help=problem.help)
    except ModelError as error:
        context.diagnostics.extend(error.diagnostics)
    return None


def _key(source: Source) -> str:
    return os.path.realpath(source.path or "")


def _leads_back(context: Context, key: str, source: Source, place: Span) -> bool:
    """Report a file that imports itself, by way of others or not."""
    keys = [known for known, _ in context.files.chain]
    if key not in keys:
        return False
    on_the_way = context.files.chain[keys.index(key) + 1 :]
    notes = tuple(Note(span, "which is imported") for _, span in reversed(on_the_way))
    files = " → ".join([source.file, *(os.path.basename(k) for k, _ in on_the_way), source.file])
    context.report("E0308", "files that import each other", place, files, notes)
    return True


def _checked(evaluator: Evaluator, source: Source) -> Evaluator:
    """The names of a file, with its own findings added to those of the model."""
    model, syntax_errors = parse(source)
    context = Context(
        diagnostics=list(syntax_errors),
        assumed_known=words_of(syntax_errors),
        files=evaluator.context.files,
    )
    found = evaluator.apart(context, Scope())
    context.functions = {s.name.id: s for s in model.statements if isinstance(s, ast.FuncDef)}
    context.files.differentiated_by.update(names_differentiated_by(model))
    for statement in model.statements:
        try:
            _statement(found, statement)
        except TypeProblem as problem:
            context.problem(problem.code, str(problem), statement.span)
    names_in_functions(found, model)
    evaluator.context.diagnostics.extend(context.diagnostics)
    return found


def _statement(found: Evaluator, statement: ast.Statement) -> None:
    if isinstance(statement, ast.FuncDef):
        define_function(found, statement)
    elif isinstance(statement, ast.AdjointDef):
        attach(found, statement)
    elif isinstance(statement, ast.LibraryImport):
        import_names(found, statement)
    elif isinstance(statement, ast.FileImport):
        import_file(found, statement)
    elif isinstance(statement, ast.ConstDecl):
        declare(found, Declarations({}), statement)
    elif isinstance(statement, ast.DimDecl):
        declare(found, Declarations({}), statement)
        for item in statement.items:
            binding = found.scope.values[item.name.id]
            if not (isinstance(binding.value, Static) and binding.value.dim.known is not None):
                found.scope.define(item.name.id, Elsewhere(), item.name.span)
    else:
        for name in defined_names((statement,)):
            found.scope.define(name.id, Elsewhere(), name.span)
