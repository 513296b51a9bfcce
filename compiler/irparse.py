"""Reads the text of a graph (see `irtext`) back.

>>> graph = parse_graph('''
... %0 x: real[N] = argument()
... %1 h: real[N] = exp(%0)  # a comment
... return f=%1
... ''')
>>> [(node.op.name, str(node.type)) for node in graph.nodes()]
[('argument', 'real[N]'), ('exp', 'real[N]')]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from operator import floordiv, mod, mul
from typing import Any

import numpy as np

from .ir import OPS, Graph, Literal, Node, const
from .ops import argument
from .types import TUPLE, Dim, Type, kind_called

TOKEN = re.compile(
    r"""\s*(?:(?P<comment>\#[^\n]*)
    | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<number>\d+\.\d*(?:e[+-]?\d+)?|\d+(?:e[+-]?\d+)?)
    | (?P<node>%\d+)
    | (?P<name>[^\W\d]\w*)
    | (?P<symbol>//|[-+*%/()\[\]{}<>,:=.])
    | (?P<end>\Z))""",
    re.VERBOSE,
)
WORDS: dict[str, Any] = {"True": True, "False": False, "None": None, "inf": float("inf"), "nan": float("nan")}
DIM_OPERATORS: dict[str, Callable[[Dim, Dim], Dim]] = {"*": mul, "//": floordiv, "%": mod}
DTYPES: dict[str, type] = {"real": np.float64, "int": np.int64, "bool": np.bool_}


class IrSyntaxError(Exception):
    """A text that is not that of a graph."""


def parse_graph(text: str) -> Graph:
    """The graph that `print_graph` wrote."""
    reader = _Reader(text)
    graph = reader.graph()
    reader.expect("")
    return graph


def _tokens(text: str) -> Iterator[tuple[str | None, str]]:
    """The tokens with their kinds, and `end` last."""
    position = 0
    while match := TOKEN.match(text, position):
        kind = match.lastgroup
        if kind != "comment":
            yield kind, match[kind or 0]
        if kind == "end":
            return
        position = match.end()
    raise IrSyntaxError(f"unexpected {text[position : position + 20]!r}")


class _Reader:
    """A token at a time; one method for each form of the notation."""

    def __init__(self, text: str):
        self.tokens = list(_tokens(text))
        self.position = 0

    @property
    def token(self) -> str:
        return self.tokens[self.position][1]

    @property
    def kind(self) -> str | None:
        return self.tokens[self.position][0]

    def next(self) -> str:
        token = self.token
        self.position += 1
        return token

    def accept(self, *tokens: str) -> str | None:
        return self.next() if self.token in tokens and self.kind != "string" else None

    def expect(self, token: str) -> None:
        if self.token != token:
            before = " ".join(t for _, t in self.tokens[max(0, self.position - 8) : self.position])
            raise IrSyntaxError(f"expected {token!r}, found {self.token!r} after: {before}")
        self.position += 1

    def graph(self) -> Graph:
        nodes: dict[str, Node] = {}
        names: dict[Node, str] = {}
        while self.kind == "node":
            self.statement(nodes, names)
        self.expect("return")
        outputs = []
        while self.kind == "name":
            name = self.next()
            self.expect("=")
            outputs.append((name, nodes[self.next()]))
            self.accept(",")
        inputs = tuple(n for n in nodes.values() if n.op.name == "argument")
        return Graph(inputs, tuple(outputs), names)

    def statement(self, nodes: dict[str, Node], names: dict[Node, str]) -> None:
        """`%3 h: real[N] = exp(%1)`."""
        label = self.next()
        name = self.next() if self.kind == "name" else ""
        self.expect(":")
        type_ = self.type()
        self.expect("=")
        op = self.next()
        args, attrs = self.arguments(nodes)
        node = argument(name, type_) if op == "argument" else self.node(op, args, attrs)
        if node.type != type_:
            raise IrSyntaxError(f"{label}: {op} gives {node.type}, not {type_}")
        nodes[label] = node
        if name and op != "argument":
            names[node] = name

    def node(self, op: str, args: list[Any], attrs: dict[str, Any]) -> Node:
        if op == "const":
            value = args[0]
            return const(value.array if isinstance(value, Literal) else value)
        return OPS[op](*args, **attrs)

    def arguments(self, nodes: dict[str, Node]) -> tuple[list[Any], dict[str, Any]]:
        """The nodes (or the constant) in the brackets, and the attributes."""
        args: list[Any] = []
        attrs: dict[str, Any] = {}
        self.expect("(")
        while not self.accept(")"):
            if self.kind == "node":
                args.append(nodes[self.next()])
            elif self.kind == "name" and self.tokens[self.position + 1][1] == "=":
                name = self.next()
                self.expect("=")
                attrs[name] = self.value()
            else:
                args.append(self.value())
            self.accept(",")
        return args, attrs

    def type(self) -> Type:
        if self.accept("("):
            items = []
            while not self.accept(")"):
                items.append(self.type())
                self.accept(",")
            return Type(TUPLE, (), tuple(items))
        kind = kind_called(name := self.next())
        if kind is None:
            raise IrSyntaxError(f"{name!r} is not a type")
        shape = []
        if self.accept("["):
            while not self.accept("]"):
                shape.append(self.dim())
                self.accept(",")
        return Type(kind, tuple(shape))

    def value(self) -> Any:
        """An attribute: a number, a word, a text, a tuple, a dim, a type, an array, a graph."""
        if self.accept("-"):
            return -self.value()
        if self.accept("<"):
            dim = self.dim()
            self.expect(">")
            return dim
        if self.accept("("):
            return self.tuple(")")
        if self.accept("{"):
            graph = self.graph()
            self.expect("}")
            return graph
        return self.word()

    def word(self) -> Any:
        kind, token = self.kind, self.token
        if kind == "name" and token in DTYPES:
            type_ = self.type()
            return self.literal(type_) if self.accept("[") else type_
        self.position += 1
        if kind == "string":
            return token[1:-1].encode().decode("unicode_escape")
        if kind == "number":
            return int(token) if token.isdigit() else float(token)
        if token in WORDS:
            return WORDS[token]
        raise IrSyntaxError(f"{token!r} is not a value")

    def tuple(self, end: str) -> tuple[Any, ...]:
        """The values up to the closing bracket; nested lists become tuples."""
        items = []
        while not self.accept(end):
            items.append(self.tuple("]") if self.accept("[") else self.value())
            self.accept(",")
        return tuple(items)

    def literal(self, type_: Type) -> Literal:
        shape = tuple(dim.known or 0 for dim in type_.shape)
        return Literal.of(np.array(self.tuple("]"), DTYPES[type_.kind]).reshape(shape))

    def dim(self) -> Dim:
        """A sum of terms."""
        total = -self.term() if self.accept("-") else self.term()
        while sign := self.accept("+", "-"):
            total = total + self.term() if sign == "+" else total - self.term()
        return total

    def term(self) -> Dim:
        product = self.factor()
        while True:
            if self.kind == "node":  # N%4: the tokens can't tell the remainder by 4 from node 4
                product = product % int(self.next()[1:])
            elif operator := self.accept("*", "//", "%"):
                product = DIM_OPERATORS[operator](product, self.factor())
            else:
                return product

    def factor(self) -> Dim:
        if self.accept("("):
            inner = self.dim()
            self.expect(")")
            return inner
        kind, token = self.kind, self.next()
        if kind == "number":
            return Dim.of(int(token))
        if token in ("max", "min") and self.accept("("):
            first = self.dim()
            self.expect(",")
            second = self.dim()
            self.expect(")")
            return first.maximum(second) if token == "max" else first.minimum(second)
        return Dim.symbol(token)
