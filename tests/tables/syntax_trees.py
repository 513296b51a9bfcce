"""Random syntax trees, as hypothesis strategies: every node that the grammar can give, and only those.

    @given(models())
    def test_round_trip(model): assert dump(parse(Source("m", to_text(model)))[0]) == dump(model)

Spans are one and the same dummy: `dump` leaves them out.
"""

from __future__ import annotations

from typing import Any

from autodiffc.grammar import ast
from autodiffc.grammar.source import Source, Span
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# Trees take a while to draw, the more so on a busy machine.
PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SPAN = Span(Source("m", ""), 0, 0)
WORDS = [
    "x",
    "W1",
    "h_t",
    "input",
    "loss",
    "grad",
    "max",
    "range",
    "wrt",
    "checkpoint",
    "lambda",
    "import",
    "λ",
    "é",
]
OPERATORS = ["+", "-", "*", "/", "//", "%", "@", "**", "and", "or"]

names = st.sampled_from(WORDS).map(lambda word: ast.Name(SPAN, word))
# A statement does not begin with a declaration word.
targets = st.sampled_from(["x", "W1", "λ", "modelx", "max", "range"]).map(lambda word: ast.Name(SPAN, word))
numbers = st.one_of(
    st.integers(0, 10**20),
    st.floats(0, allow_infinity=False, allow_nan=False).filter(lambda value: str(value)[0] != "-"),
).map(lambda value: ast.Number(SPAN, value))
strings = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\t"), max_size=8).map(
    lambda text: ast.String(SPAN, text)
)


def some(items: st.SearchStrategy[Any], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def maybe(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | items


def node(kind: type, /, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """As `st.builds`, but with a short name of its own: the names of nested strategies grow without bound."""

    @st.composite
    def built(draw: st.DrawFn) -> Any:
        return kind(span=SPAN, **{name: draw(part) for name, part in parts.items()})

    return built()


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    chains = st.lists(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), min_size=1, max_size=3)
    slices = node(ast.Slice, start=maybe(inner), stop=maybe(inner), step=maybe(inner))
    generators = node(ast.Generator, element=inner, variable=names, bounds=some(inner, 1))
    called = st.one_of(
        st.tuples(some(inner), some(node(ast.Keyword, name=names, value=inner), most=2)),
        generators.map(lambda generator: ((generator,), ())),
    )
    return st.one_of(
        node(ast.Unary, op=st.sampled_from(["-", "+", "not"]), operand=inner),
        node(ast.Binary, op=st.sampled_from(OPERATORS), left=inner, right=inner, op_span=st.just(SPAN)),
        chains.flatmap(
            lambda ops: node(
                ast.Compare, operands=some(inner, len(ops) + 1, len(ops) + 1), ops=st.just(tuple(ops))
            )
        ),
        node(ast.Conditional, condition=inner, then=inner, orelse=inner),
        st.builds(lambda func, given: ast.Call(SPAN, func, *given), names, called),
        node(ast.Attribute, value=inner, name=names),
        node(ast.Index, value=inner, items=some(inner | slices | node(ast.Ellipsis_), 1)),
        node(ast.ListLiteral, items=some(inner)),
        node(ast.TupleLiteral, items=some(inner)),
    )


expressions = st.recursive(names | numbers | strings, _larger, max_leaves=8)
types = node(ast.TypeExpr, kind=st.sampled_from(["real", "int", "bool"]), dims=some(expressions))
constraints = st.one_of(
    node(ast.Constraint, op=st.sampled_from([">", ">=", "<", "<="]), bounds=some(expressions, 1, 1)),
    node(ast.Constraint, op=st.just("in"), bounds=some(expressions, 1, 2)),
)
indexed = node(ast.Index, value=targets, items=some(expressions, 1))
typed_params = st.tuples(
    some(node(ast.FuncParam, name=names, type=types, default=st.none())),
    some(node(ast.FuncParam, name=names, type=maybe(types), default=expressions)),
)
untyped_params = some(node(ast.FuncParam, name=names, type=st.none(), default=st.none()))
params = typed_params.map(lambda pair: pair[0] + pair[1]) | untyped_params
returned = some(expressions, 2) | some(
    expressions.filter(lambda e: not isinstance(e, ast.TupleLiteral)), 1, 1
)

simple_statements = st.one_of(
    node(ast.ModelDecl, name=names),
    node(ast.DimDecl, items=some(node(ast.DimItem, name=names, value=maybe(expressions)), 1)),
    node(ast.InputDecl, names=some(names, 1), type=types, constraints=some(constraints)),
    node(
        ast.ParamDecl,
        names=some(names, 1),
        type=types,
        constraints=some(constraints),
        init=maybe(expressions),
    ),
    node(ast.ConstDecl, name=names, type=maybe(types), value=expressions),
    node(ast.VarDecl, name=names, type=types),
    node(ast.OutputDecl, name=names, type=maybe(types), value=maybe(expressions)),
    node(ast.LossDecl, name=names, value=maybe(expressions)),
    node(ast.LossDecl, name=st.none(), value=expressions),
    node(ast.GradDecl, target=names, wrt=some(names, 1)),
    node(ast.Return, values=returned),
    node(ast.LibraryImport, module=names, names=some(names, 1)),
    node(ast.FileImport, path=strings, names=some(names, 1)),
    node(ast.Assign, targets=some(targets | indexed, 1), annotation=st.none(), value=expressions),
    node(ast.Assign, targets=some(targets, 1, 1), annotation=types, value=expressions),
    node(ast.AugAssign, target=targets | indexed, op=st.sampled_from(OPERATORS[:8]), value=expressions),
    node(ast.Assert, condition=expressions, message=maybe(strings)),
)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = some(inner, 1)
    return st.one_of(
        node(ast.FuncDef, name=names, params=params, body=block),
        node(ast.AdjointDef, name=names, params=params, body=block),
        node(ast.For, variable=names, bounds=some(expressions, 1), checkpoint=st.booleans(), body=block),
        node(ast.While, condition=expressions, limit=maybe(expressions), body=block),
        node(ast.If, branches=some(st.tuples(expressions, block), 1), orelse=some(inner)),
    )


statements = st.recursive(simple_statements, _compound, max_leaves=4)


def models() -> st.SearchStrategy[ast.Model]:
    return some(statements, most=3).map(lambda block: ast.Model(SPAN.source, block))
