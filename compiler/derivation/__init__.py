"""The derivatives of a model as formulas: a tree, its printers, its evaluator.

graphs     the model's graph with its derivative, in the form that is read
reader     from nodes to formulas: in matrix notation, or element by element
equations  which values get an equation, and their order
text       the printers
"""

from __future__ import annotations

from . import latex, mathml, text
from .equations import derivation
from .graphs import Derived


def document(derived: Derived, form: str = "text") -> str:
    """The formulas in a format: text, latex or mathml."""
    formats = {"text": text.document, "latex": latex.document, "mathml": mathml.document}
    return formats[form](derivation(derived))
