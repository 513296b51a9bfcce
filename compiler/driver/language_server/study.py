"""What an editor asks of a text: findings, what a name is, where it is defined, what may come next.

    study = Study(Source("model.dsl", text))
    study.hover(text.index("h @"))          # "h: real[N, H]", "δ_h = δ_logits W2ᵀ  where δ_h = ∂L/∂h"

A study never fails for what is wrong with the text: of the rest it tells all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from autodiffc.compiler.frontend.calls import usages
from autodiffc.compiler.frontend.initialisers import INITIALISERS
from autodiffc.compiler.frontend.model import Examined, examined
from autodiffc.compiler.frontend.values import POISON, describe
from autodiffc.compiler.lint import chosen
from autodiffc.compiler.lint import findings as linted
from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Diagnostic, in_order
from autodiffc.grammar.parser import parse
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Source, Span

from .derivatives import adjoints, local_rule
from .names import Names, Use

LARGEST = 3_000  # nodes of a model whose derivatives are told
TYPES_TOLD = 4  # of an expression in a function that is called so many times
OF_CONSTANTS = {"pi": "π", "e": "Euler's number", "inf": "infinity", "nan": "not a number"}


@record(frozen=True)
class Hover:
    """Markdown, and the name that it is about."""

    text: str
    span: Span


class Study:
    """A text, read and checked once."""

    def __init__(self, source: Source, dims: Mapping[str, int] | None = None, lints: str = "usual"):
        self.source, self.lints = source, lints
        self.model, syntax = parse(source)
        self.examined: Examined = examined(self.model, syntax, dims)
        self.names = Names(self.model)

    # --- findings ---

    @cached_property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """The errors; of a model without any, the warnings."""
        program = self.examined.program
        if program is None or not self.lints:
            return in_order(self.examined.diagnostics)
        choice = chosen([self.lints])
        return in_order(linted(program, choice.lints, choice.as_errors))

    # --- what a name is ---

    def hover(self, offset: int) -> Hover | None:
        use = self.names.at(offset)
        if use is None:
            return None
        text = self._function(use) if use.space == "function" else self._value(use)
        return Hover(text, use.span) if text else None

    def _value(self, use: Use) -> str:
        types = self.types(use)
        kind = use.definition.kind if use.definition is not None else OF_CONSTANTS.get(use.name, "")
        if not types and not kind:
            return ""
        told = (text if text != f"int = {use.name}" else "int" for text in types[:TYPES_TOLD])
        shown = "\n".join(f"{use.name}: {text}" for text in told) or use.name
        more = f" and {len(types) - TYPES_TOLD} more" if len(types) > TYPES_TOLD else ""
        parts = [_code(shown) + more, self._told(use, kind)]
        rows = self._adjoints.get(use.name, ()) if self._is_of_the_file(use) else ()
        parts += [_code("\n".join(rows), "text")] if rows else []
        return "\n\n".join(filter(None, parts))

    def _told(self, use: Use, kind: str) -> str:
        if use.definition is None or kind == "import":
            return kind
        return f"{kind}, line {use.definition.span.line}"

    def _is_of_the_file(self, use: Use) -> bool:
        return use.definition is not None and self.names.file.values.get(use.name) == use.definition

    def types(self, use: Use) -> list[str]:
        """The types of a value, most often one; those of all calls in a function."""
        seen = self.examined.seen
        if found := seen.get(use.span):
            return [_type(text) for text in found]
        if use.definition is not None and use.definition.kind == "step":
            return ["int"]
        binding = self.examined.scope.values.get(use.name)
        imported = use.definition is None or use.definition.kind == "import"
        if binding is not None and (imported or self._is_of_the_file(use)) and binding.value is not POISON:
            return [_type(describe(binding.value))]
        others = (seen[other.span] for other in self.names.same(use) if other.span in seen)
        return [_type(text) for text in next(others, [])]

    def _function(self, use: Use) -> str:
        own = self.examined.scope.functions.get(use.name)
        if own is not None:
            span = own.definition.span
            where = f"line {span.line}" if span.source is self.source else span.source.file
            return "\n\n".join(
                filter(None, [_code(_head(own.definition)), f"function, {where}", _comment(span)])
            )
        if use.name in usages():
            rule = local_rule(use.name)
            parts = [_code(usages()[use.name]), _code(rule, "text") if rule else "", "of the language"]
            return "\n\n".join(filter(None, parts))
        if use.name in INITIALISERS:
            numbers = [
                f"{name}={value}" if value is not None else name for name, value in INITIALISERS[use.name]
            ]
            call = f"{use.name}({', '.join(numbers)})"
            return f"{_code(call)}\n\nhow `init_params` starts a param"
        return self._value(use)  # a const of another file

    @cached_property
    def _adjoints(self) -> Mapping[str, Sequence[str]]:
        """The derivatives of the model, by the name of the value that they are derivatives by."""
        program = self.examined.program
        small = program is not None and len(program.graph.nodes()) <= LARGEST
        return adjoints(program) if program is not None and small else {}

    # --- where it is defined, and used ---

    def definition(self, offset: int) -> Span | None:
        use = self.names.at(offset)
        if use is None:
            return None
        own = self.examined.scope.functions.get(use.name) if use.space == "function" else None
        if own is not None:
            return own.definition.name.span
        if use.definition is not None:
            return use.definition.span
        binding = self.examined.scope.values.get(use.name)  # a const of another file: where it is imported
        return binding.span if binding is not None else None

    def references(self, offset: int) -> list[Span]:
        use = self.names.at(offset)
        return [other.span for other in self.names.same(use)] if use is not None else []


def _type(text: str) -> str:
    """`the int N - 1` is an int of the dims."""
    return f"int = {text.removeprefix('the int ')}" if text.startswith("the int ") else text


def _head(definition: ast.FuncDef) -> str:
    """`def dense(x, W: real[D, H], b=0.0)`."""
    shown = []
    for parameter in definition.params:
        type_ = f": {parameter.type.span.text}" if parameter.type is not None else ""
        default = f"={parameter.default.span.text}" if parameter.default is not None else ""
        shown.append(f"{parameter.name.id}{type_}{default}")
    return f"def {definition.name.id}({', '.join(shown)})"


def _comment(span: Span) -> str:
    """The comment in the lines before a function."""
    found: list[str] = []
    for number in range(span.line - 1, 0, -1):
        line = span.source.line(number).strip()
        if not line.startswith("#"):
            break
        found.insert(0, line.lstrip("# "))
    return "\n".join(found)


def _code(text: str, language: str = "autodiffc") -> str:
    return f"```{language}\n{text}\n```"


__all__ = ["Hover", "Study"]
