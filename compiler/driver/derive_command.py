"""`autodiffc derive model.dsl`: the derivatives as formulas.

    product: the derivatives of f with respect to x, y, z

    ∂f/∂x = z
    ∂f/∂y = z
    ∂f/∂z = x + y

`--wrt` chooses the arguments, `--format` how the formulas are written: for a terminal, in LaTeX, as MathML.
`--order 2` adds the second derivatives of a model of scalars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodiffc.compiler.derivation import document
from autodiffc.compiler.derivation.graphs import derived
from autodiffc.compiler.derivation.reader import NotPlain
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.autodiff import NotDifferentiable
from autodiffc.grammar.diagnostics import suggestion
from autodiffc.grammar.source import Source

from .api import program_of

FORMATS = ("text", "latex", "mathml")


class WrongRequest(Exception):
    """What was asked for can't be derived; the message says why."""


def formulas(
    source: Source,
    wrt: Sequence[str] = (),
    form: str = "text",
    dims: Mapping[str, int] | None = None,
    order: int = 1,
) -> str:
    """The derivation as text; ModelError where the model is wrong, WrongRequest where the request is."""
    program = program_of(source, dims)
    if program.target is None:
        raise WrongRequest(
            "the model has nothing to differentiate; give it a `loss`, or a line `grad y wrt x`"
        )
    names = tuple(dict.fromkeys(wrt)) or program.wrt
    for name in names:
        _check(program, name)
    try:
        text = document(derived(program, names), form, order)
    except NotDifferentiable as problem:
        raise WrongRequest(str(problem)) from problem
    except NotPlain as problem:
        raise WrongRequest("positions in windows are kept in a way that no formula is known for") from problem
    if text is None:
        raise WrongRequest(
            "--order 2: second derivatives are written for models of scalars, in closed form; "
            "of this model `autodiffc --emit hessian,hvp` computes them"
        )
    return text


def _check(program: Program, name: str) -> None:
    """WrongRequest unless there is a real input or param of this name."""
    kinds = {a.name: a.type.kind for a in program.arguments}
    if name not in kinds:
        real = [n for n, kind in kinds.items() if kind == "real"]
        hint = suggestion(name, real) or f"it has {', '.join(real)}"
        raise WrongRequest(f"--wrt {name}: the model has no input or param of this name; {hint}")
    if kinds[name] != "real":
        raise WrongRequest(f"--wrt {name}: {name} is {kinds[name]}, and only a real has a derivative")
