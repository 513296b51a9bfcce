"""Names for temporaries that tell what they hold.

>>> suggest("exp", ["x"]), suggest("sub", ["y", "y_hat"]), suggest("sum", ["e"])
('exp_x', 'y_minus_y_hat', 'e_sum')
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from keyword import iskeyword

from autodiffc.compiler.ir import Graph, Node, const_value

LONGEST = 18
INFIX = {
    "add": "plus", "sub": "minus", "mul": "times", "div": "over", "matmul": "at", "times": "at",
    "greater": "above", "less": "below", "greater_equal": "from", "less_equal": "upto", "equal": "is",
    "not_equal": "is_not", "power": "to", "logical_and": "and", "logical_or": "or",
}  # fmt: skip
SUFFIX = {
    "sum": "sum", "mean": "mean", "max": "max", "min": "min", "prod": "prod", "cumsum": "cumsum",
    "argmax": "argmax", "argmin": "argmin", "square": "squared", "norm": "norm", "var": "var",
    "std": "std", "max_shift": "max", "to_real": "real", "gate": "gated", "gate_finite": "gated",
}  # fmt: skip
WORDS = {
    "add": "total", "sub": "difference", "mul": "product", "div": "ratio", "matmul": "product",
    "times": "product", "sum": "total", "add_at": "total",
    "where": "chosen", "gate": "gated", "gate_finite": "gated", "masked": "masked",
    "getitem": "part", "gather": "picked", "put": "placed", "scatter_add": "scattered",
    "reshape": "reshaped", "transpose": "turned", "broadcast_to": "spread", "concatenate": "joined",
    "stack": "stacked", "neg": "negated", "greater": "mask", "less": "mask", "greater_equal": "mask",
    "less_equal": "mask", "equal": "mask", "not_equal": "mask", "logical_and": "mask",
    "logical_or": "mask", "logical_not": "mask", "to_real": "number", "square": "squared", "packed": "row",
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


def described(node: Node, called: Callable[[Node], str]) -> str:
    """What an unnamed value is called after what it is made of; `called` gives plain names, or ''."""
    operands = [called(a) for a in node.args]
    known = known_form(node) or _preactivation(node, called) or _rearranged(node, called)
    return known or suggest(node.op.name, operands)


def _preactivation(node: Node, called: Callable[[Node], str]) -> str:
    """`d_pre_h` for d_h * (1 - h**2) or d_h * (h * (1 - h)), where h is a tanh or a sigmoid."""
    if node.op.name != "mul":
        return ""
    activation = next(filter(None, map(_activation, reversed(node.args))), None)
    name = called(activation) if activation is not None else ""
    return f"d_pre_{name}" if 0 < len(name) < LONGEST else ""


def _activation(slope: Node) -> Node | None:
    """The value of which this is the slope of its tanh or sigmoid."""
    if slope.op.name == "mul":
        value, rest = slope.args
        return value if _less_from_one(rest) is value else None
    squared = _less_from_one(slope)
    return squared.args[0] if squared is not None and squared.op.name == "square" else None


def _less_from_one(node: Node) -> Node | None:
    """x of 1 - x."""
    is_less = node.op.name == "sub" and const_value(node.args[0]) == 1.0
    return node.args[1] if is_less else None


def _rearranged(node: Node, called: Callable[[Node], str]) -> str:
    """`x_rows` for x with fewer axes, `x_at_W` for the product of such rows."""
    if node.op.name != "reshape":
        return ""
    (whole,) = node.args
    if whole.op.name == "patches" and not called(whole):
        return "patches"
    if whole.op.name in ("matmul", "times") and not called(whole):
        return suggest("matmul", [called(_unshaped(a, called)) for a in whole.args])
    name = called(_unshaped(whole, called))
    joined = len([d for d in node.shape if d.known != 1]) < len([d for d in whole.shape if d.known != 1])
    if not name or len(name) > LONGEST or not joined:
        return ""
    return f"{name}_flat" if node.rank == 1 else f"{name}_rows"


def _unshaped(node: Node, called: Callable[[Node], str]) -> Node:
    """What a value without a name of its own, or with that of a form, is a form of."""
    return node.args[0] if node.op.name == "reshape" and called(node.args[0]) else node


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
    if whole.op.name == "elements":
        return "element"
    body = whole["body"]
    if whole.op.name == "tiled":
        return body.names.get(body.outputs[position][1]) or _inside(body.outputs[position][1], body)
    if position == len(body.outputs):
        return "steps"
    row = body.outputs[position][1]
    if position < whole["carried"]:
        return told_inside(body, position) or _inside(row, body)
    if row.op.name == "argument":
        return f"{row['name']}_before"
    if row.op.name == "packed":
        return str(body.outputs[position][0])
    if row.op.name == "gather" and row.args[0].op.name == "argument" and row not in body.names:
        return f"{row.args[0]['name']}_picked"
    return plural(told_inside(body, position) or _inside(row, body))


def _inside(node: Node, body: Graph) -> str:
    """What a value is called after the names in its body."""

    def called(operand: Node) -> str:
        if operand.op.name == "argument":
            return str(operand["name"])
        is_row = operand.op.name == "gather" and operand.args[0].op.name == "argument"
        return body.names.get(operand) or (singular(operand.args[0]["name"]) if is_row else "")

    return described(node, called)


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
