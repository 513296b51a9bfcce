"""The derivatives that a hover shows: those of a model by its values, and the rule of a function.

adjoints(program)["h"]       ['δ_h = δ_logits W2ᵀ', 'where δ_h = ∂L/∂h']
local_rule("tanh")           'f = tanh(x)', '∂f/∂x = 1 − tanh(x)²'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from inspect import Parameter

from autodiffc.compiler.derivation import document
from autodiffc.compiler.derivation.equations import derivation
from autodiffc.compiler.derivation.graphs import derived
from autodiffc.compiler.derivation.lines import Line, Loop, defined_in
from autodiffc.compiler.derivation.reader import NotPlain
from autodiffc.compiler.derivation.text import Text
from autodiffc.compiler.derivation.tree import Equation
from autodiffc.compiler.frontend.signature import BUILTINS
from autodiffc.compiler.ir import OPS
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.autodiff import NotDifferentiable
from autodiffc.grammar.diagnostics import ModelError
from autodiffc.grammar.source import Source

from ..api import program_of

LONGEST = 200  # characters of an equation
SHORT = 60  # and of a rule
VARIABLES = "xy"


def adjoints(program: Program) -> Mapping[str, Sequence[str]]:
    """The equations of the derivation by the name of the value that they differentiate by."""
    if program.target is None:
        return {}
    try:
        lines = derivation(derived(program, program.wrt)).adjoints
    except (NotDifferentiable, NotPlain):
        return {}
    found: dict[str, list[str]] = {}
    printer = Text()
    for equation in _equations(lines):
        for symbol in defined_in(equation):
            text = f"{printer.text(equation.left)} = {printer.text(equation.right)}"
            rows = found.setdefault(symbol.name, [])
            rows += [text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"]
            rows += [] if symbol.of else [f"where δ_{symbol.name} = ∂{program.target}/∂{symbol.name}"]
    return found


def _equations(lines: Sequence[Line]) -> Iterator[Equation]:
    waiting = list(reversed(lines))
    while waiting:
        line = waiting.pop()
        if isinstance(line, Equation):
            yield line
        else:
            inner = line.lines if isinstance(line, Loop) else (*line.then, *line.otherwise)
            waiting.extend(reversed(inner))


@lru_cache
def local_rule(name: str) -> str:
    """The derivatives of an elementwise function of one or two numbers; '' of others."""
    function, op = BUILTINS.get(name), OPS.get(name)
    if function is None or op is None or not op.elementwise:
        return ""
    parameters = function.signature.parameters.values()
    count = sum(p.default is p.empty and p.kind is not Parameter.VAR_POSITIONAL for p in parameters)
    if not 1 <= count <= len(VARIABLES):
        return ""
    names = ", ".join(VARIABLES[:count])
    text = f"input {names}: real\noutput f = {name}({names})\ngrad f wrt {names}\n"
    try:
        program = program_of(Source("rule.dsl", text))
        shown = document(derived(program, program.wrt)) or ""
    except (ModelError, NotDifferentiable, NotPlain):
        return ""
    rows = [line.strip() for line in shown.splitlines() if line.lstrip().startswith("∂")]
    return "\n".join([f"f = {name}({names})", *rows]) if rows and max(map(len, rows)) <= SHORT else ""
