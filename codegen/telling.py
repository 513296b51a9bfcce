"""Names for temporaries that tell what they hold.

>>> suggest("exp", ["x"]), suggest("sub", ["y", "y_hat"]), suggest("sum", ["e"])
('exp_x', 'y_minus_y_hat', 'e_sum')
"""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from autodiffc.compiler.ir import Graph, Node

LONGEST = 18
INFIX = {
    "add": "plus", "sub": "minus", "mul": "times", "div": "over", "matmul": "at", "greater": "above",
    "less": "below", "greater_equal": "from", "less_equal": "upto", "equal": "is",
    "not_equal": "is_not", "power": "to", "logical_and": "and", "logical_or": "or",
}  # fmt: skip
SUFFIX = {
    "sum": "sum", "mean": "mean", "max": "max", "min": "min", "prod": "prod", "cumsum": "cumsum",
    "argmax": "argmax", "argmin": "argmin", "square": "squared", "norm": "norm", "var": "var",
    "std": "std", "max_shift": "max", "to_real": "real", "gate": "gated", "gate_finite": "gated",
}  # fmt: skip
WORDS = {
    "add": "total", "sub": "difference", "mul": "product", "div": "ratio", "matmul": "product",
    "sum": "total", "where": "chosen", "gate": "gated", "gate_finite": "gated", "masked": "masked",
    "getitem": "part", "gather": "picked", "put": "placed", "scatter_add": "scattered",
    "reshape": "reshaped", "transpose": "turned", "broadcast_to": "spread", "concatenate": "joined",
    "stack": "stacked", "neg": "negated", "greater": "mask", "less": "mask", "greater_equal": "mask",
    "less_equal": "mask", "equal": "mask", "not_equal": "mask", "logical_and": "mask",
    "logical_or": "mask", "logical_not": "mask", "to_real": "number", "square": "squared",
    "power": "powered", "max": "largest", "min": "smallest", "arange": "rows",
    "solve": "solution", "solve_triangular": "solution", "put_diagonal": "diagonal", "tril": "lower",
    "triu": "upper", "inv": "inverse", "cholesky": "factor",
    "outer": "outer", "contract": "contracted", "reciprocal": "inverse", "max_shift": "largest",
    "decrement": "error", "window_argmax": "largest_at", "take_flat": "picked", "put_flat": "placed",
    "tensordot": "product", "patches": "patches", "fold": "folded",
}  # fmt: skip


def known_form(node: Node) -> str:
    """The name of a well-known expression: a shifted value, a softmax; '' for any other."""
    if (
        node.op.name == "sub"
        and node.args[1].op.name in ("max", "max_shift")
        and node.args[1].args[0] is node.args[0]
    ):
        return "shifted"
    if node.op.name == "div" and is_softmax(node):
        return "softmax"
    if node.op.name == "slogdet_part":
        return "logdet" if node["k"] else "sign"
    return ""


def is_softmax(node: Node) -> bool:
    """Whether a quotient divides exponentials by their sum."""
    numerator, denominator = node.args
    while denominator.op.name == "reshape":
        denominator = denominator.args[0]
    total = denominator.op.name == "sum" and denominator.args[0] is numerator
    return numerator.op.name == "exp" and total and known_form(numerator.args[0]) == "shifted"


def result_name(node: Node) -> str:
    """The name of a result of a loop or a branch, after what is called so inside; '' for any other."""
    if node.op.name != "item":
        return ""
    whole, position = node.args[0], node["position"]
    if whole.op.name == "branch":
        return next(filter(None, (told_inside(body, position) for body in whole.subgraphs())), "chosen")
    body = whole["body"]
    if position == len(body.outputs):
        return "steps"
    row = body.outputs[position][1]
    if position < whole["carried"]:
        return told_inside(body, position) or suggest(row.op.name, [])
    if row.op.name == "argument":
        return f"{row['name']}_before"
    if row.op.name == "gather" and row.args[0].op.name == "argument" and row not in body.names:
        return f"{row.args[0]['name']}_picked"
    return plural(told_inside(body, position) or suggest(row.op.name, []))


def plural(name: str) -> str:
    """What a stack of such values is called."""
    unlike = name.endswith(("ed", "en", "s", "before")) or iskeyword(f"{name}s")
    return f"all_{name}" if unlike else f"{name}s"


def singular(name: str) -> str:
    """What an element of a stack of this name is called; '' where the name is none of a stack."""
    if name.startswith("all_"):
        return name[4:]
    return name[:-1] if name[-2:-1].isalpha() and name[-1] == "s" else ""


def is_stack(node: Node) -> bool:
    """Whether it has a row for each step of a loop."""
    if node.op.name != "item" or node.args[0].op.name != "loop":
        return False
    loop = node.args[0]
    return bool(loop["carried"] <= node["position"] < len(loop["body"].outputs))


def told_inside(graph: Graph, position: int) -> str:
    """The name of a result in a body, its own or that of a result of the inner loop that it is."""
    node = graph.outputs[position][1]
    if node.op.name == "argument":
        return str(node["name"])
    return result_name(node) if is_stack(node) else graph.names.get(node) or result_name(node)


def suggest(op: str, arguments: Sequence[str]) -> str:
    """A name for the result of an op; an argument that has no plain name is passed as ''."""
    first = arguments[0] if arguments else ""
    if op in INFIX and len(arguments) == 2 and all(arguments):
        name = f"{first}_{INFIX[op]}_{arguments[1]}"
    elif op in SUFFIX and first and (op[:4] != "gate" or first.startswith("d_")):
        name = f"{first}_{SUFFIX[op]}"
    elif op not in WORDS and len(arguments) == 1 and first:
        name = f"{op}_{first}"
    else:
        name = ""
    return name if 0 < len(name) <= LONGEST else WORDS.get(op, op.rstrip("_"))
