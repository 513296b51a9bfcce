"""The local derivatives of a value: what it hands to its operands, as formulas and as numbers.

    h = tanh(z)        ∂L/∂z = ∂L/∂h ⊙ (1 − h²)

The formulas are the adjoint rules of the ops themselves, read with the names of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.derivation.mathml import Mathml
from autodiffc.compiler.derivation.reader import NeedsIndices, NotPlain, Reader
from autodiffc.compiler.derivation.tree import Element, Equation, Formula, Symbol
from autodiffc.compiler.ir import Array, Graph, Node, NonDiff
from autodiffc.compiler.ops.own import govern_rule, governed, own_adjoint
from autodiffc.compiler.passes.base import run_passes
from autodiffc.compiler.passes.simplify import Simplify
from autodiffc.compiler.tape import pulled_back

LONGEST = 2_000  # characters of a formula in MathML
TOLD = (NeedsIndices, NotPlain)


def adjoint_rule(node: Node, g: Node) -> Sequence[Node | None]:
    """What the op's rule makes of a node's cotangent for each operand."""
    if node.op is own_adjoint or isinstance(node.op.vjp, NonDiff):
        return (None,) * len(node.args)
    return govern_rule(node, g) if node.op is governed else node.op.vjp(g, node, *node.args)


class Rules:
    """Formulas of rules for the gradient of `target`.

    `taken` are the names that no index may have, `natural` those of ints that are not below 0.
    """

    def __init__(self, target: str, taken: set[str], natural: frozenset[str]):
        self.target, self.taken, self.natural = target, taken, natural
        self.printer = Mathml()

    def formulas(self, node: Node, name: str, operands: Sequence[str]) -> list[str]:
        """For each operand its gradient in MathML; '' where there is none, or it is too long to be told."""
        args = zip(node.args, operands)
        own = [a if a.op.name == "const" else ops.argument(text, a.type) for a, text in args]
        bare = node.with_args(own)
        out, g = ops.argument(name, node.type), ops.argument("cotangent", node.type)
        named = [a for a in (*own, out) if a.op.name == "argument"]
        symbols: dict[Node, Formula] = {**{a: Symbol(a["name"]) for a in named}, g: self._gradient(name)}
        return [
            "" if part is None or arg.op.name != "argument" else self._told(part, bare, out, text, symbols)
            for part, arg, text in zip(adjoint_rule(bare, g), own, operands)
        ]  # fmt: skip

    def _told(self, part: Node, bare: Node, out: Node, text: str, symbols: Mapping[Node, Formula]) -> str:
        graph = Graph((), (("d", part),)).with_images({bare: out})
        equation = self._equation(run_passes((Simplify(),), graph).output("d"), self._gradient(text), symbols)
        if equation is None:
            return ""
        left, right = self.printer.text(equation.left), self.printer.text(equation.right)
        shown = f"<math><mrow>{left}<mo>=</mo>{right}</mrow></math>"
        return shown if len(shown) <= LONGEST else ""

    def _equation(self, part: Node, left: Symbol, symbols: Mapping[Node, Formula]) -> Equation | None:
        reader = Reader(self.taken, _no_name, dict(symbols), natural=self.natural)
        try:
            return Equation(left, reader.whole(part))
        except TOLD:
            try:
                with reader.bound(part.shape) as at:
                    return Equation(Element(left, at) if at else left, reader.element(part, at))
            except TOLD:
                return None

    def _gradient(self, name: str) -> Symbol:
        return Symbol(name, "derivative", of=self.target)


def _no_name(node: Node) -> Symbol:
    raise NotPlain


def slopes(
    node: Node, value: Array, operands: Sequence[Array], sizes: Mapping[str, int]
) -> list[Array | None]:
    """The local derivative by each operand, where it is a number for each element."""
    if not node.op.elementwise or node.type.kind != "real":
        return [None] * len(operands)
    with np.errstate(all="ignore"):
        return list(pulled_back(node, np.ones_like(value), value, operands, sizes))
