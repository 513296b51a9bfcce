"""The derivatives of a model as formulas: a tree, its printers, its evaluator.

graphs     the model's graph with its derivative, in the form that is read
reader     from nodes to formulas: in matrix notation (`wholes`), or by element (`elements`, `moves`, …)
algebra    sums, products and quotients of formulas
equations  which values get an equation, and their order; `naming` what they are called
closed     derivatives of models of scalars, simplified by SymPy
text       the printers, with `latex` and `mathml`
evaluate   the numbers that formulas give, for the tests
"""

from __future__ import annotations

from . import latex, mathml, text
from .closed import closed
from .equations import derivation
from .graphs import Derived, second
from .lines import Derivation


def document(derived: Derived, form: str = "text", order: int = 1) -> str | None:
    """The formulas in a format: text, latex or mathml; None where there are no second derivatives."""
    formats = {"text": text.document, "latex": latex.document, "mathml": mathml.document}
    lines = derivation(derived) if order == 1 else _twice(derived)
    return None if lines is None else formats[form](lines)


def _twice(derived: Derived) -> Derivation | None:
    """The derivatives of the first and of the second order."""
    if derived.seed is not None or any(node.rank for node in derived.graph.nodes()):
        return None
    equations = closed(second(derived), patience=4)
    return None if equations is None else derivation(derived, equations)
