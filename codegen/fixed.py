"""Arrays that sizes alone determine, which a function finds in its memory (-O2).

    total = x.T.dot(_ones(N))        ->        total = x.T.dot(ones)
    rows = np.arange(N)                        -

They are made with the buffers, and never written to.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import field

from autodiffc.grammar.records import record

from .aliases import SCALARS, Aliases, Member
from .copied import COPIED
from .flow import Flow
from .into import given_memory, is_module, is_routine
from .trees import children, walk

MAKERS = frozenset({"arange", "ones", "eye", "tri", "tril", "triu", "linspace"})
METHODS = frozenset({"astype", "reshape"})
MADE = re.compile(rf"\b(?:_ones|{'|'.join(sorted(MAKERS))})\(")
SKIPPED = (ast.If, ast.While, ast.For, ast.Raise, ast.Return)
GROUPS = (ast.Tuple, ast.Slice, ast.Attribute)  # a method is no array
CLOSED = (ast.ListComp, ast.GeneratorExp, ast.Lambda)


@record(frozen=True)
class Fixed:
    """An array's text, the function that makes it and the sizes in it.

    `places` are its expressions, with their positions and the variables that they are assigned to, or ''.
    """

    text: str
    maker: str
    sizes: tuple[str, ...]
    places: list[tuple[ast.expr, int, str]] = field(default_factory=list)

    @property
    def nodes(self) -> list[ast.expr]:
        return [node for node, _, _ in self.places]


def fixed_arrays(
    flow: Flow, aliases: Aliases, sizes: Collection[str], np: str, tables: Collection[str] = ()
) -> list[Fixed]:
    """The arrays of a function that are made of the sizes alone and that nothing writes to or gives out.

    `tables` are arrays of the module, which count as numbers.
    """
    places = [
        (position, tree, node)
        for position, line in enumerate(flow.lines)
        for tree in (line.trees if "\n" not in line.text and MADE.search(line.text) else ())
        for node in ([] if isinstance(tree, SKIPPED) else _arrays(tree, {*sizes, *tables}, np))
    ]
    kept = {*_written(flow, aliases, np), *aliases.returned} if places else set()
    found: dict[str, Fixed] = {}
    for position, tree, node in places:
        target = _target(tree, node)
        held = {flow.variable(target, position), *(n for n in walk(node) if isinstance(n, ast.expr))}
        if not any(aliases.classes.of(member) in kept for member in held):
            one = found.setdefault(ast.unparse(node), _fixed(node, sizes))
            one.places.append((node, position, target))
    return list(found.values())


def picks_rows(one: Fixed, flow: Flow) -> bool:
    """Whether rows of an array are taken by a fixed one."""
    names = {target for _, _, target in one.places}
    trees = (tree for line in flow.lines if "_rows(" in line.text for tree in line.trees)
    nodes = (node for tree in trees for node in walk(tree) if isinstance(node, ast.Call))
    places = [node.args[1] for node in nodes if is_routine(node, "_rows")]
    roots = [place.value if isinstance(place, ast.Subscript) else place for place in places]
    return any(root in one.nodes or (isinstance(root, ast.Name) and root.id in names) for root in roots)


def _fixed(node: ast.expr, sizes: Collection[str]) -> Fixed:
    names = dict.fromkeys(n.id for n in walk(node) if isinstance(n, ast.Name) and n.id in sizes)
    *_, maker = _makers(node)
    name = maker.id if isinstance(maker, ast.Name) else maker.attr if isinstance(maker, ast.Attribute) else ""
    return Fixed(ast.unparse(node), name, tuple(names))


def _makers(node: ast.expr) -> Iterator[ast.expr]:
    """The functions in an expression that make arrays: a size may be `max(N - 2, 0)`."""
    functions = (n.func for n in walk(node) if isinstance(n, ast.Call))
    return (f for f in functions if not isinstance(f, ast.Name) or f.id != "max")


def _target(tree: ast.stmt, node: ast.expr) -> str:
    """The variable that an array is assigned to, or ''."""
    one = tree.targets[0] if isinstance(tree, ast.Assign) and tree.value is node else None
    return one.id if isinstance(one, ast.Name) else ""


def _arrays(tree: ast.stmt, sizes: Collection[str], np: str) -> Iterator[ast.expr]:
    """The outermost expressions of a statement that are such arrays."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.expr) and not isinstance(node, GROUPS) and _is_fixed(node, sizes, np):
            if any(_makers(node)):
                yield node
        elif not isinstance(node, CLOSED):
            stack.extend(children(node))


def _is_fixed(node: ast.expr, sizes: Collection[str], np: str) -> bool:
    """Whether an expression is made of sizes and numbers alone, by means that `MAKERS` are."""
    for part in walk(node):
        if isinstance(part, ast.Name):
            if part.id not in sizes and part.id not in (np, "_ones", "max"):
                return False
        elif isinstance(part, ast.Call):
            if not _is_maker(part.func, np) or given_memory(part, np) is not None:
                return False
        elif isinstance(part, (*CLOSED, ast.Compare, ast.IfExp, ast.List, ast.Dict, ast.Set)):
            return False
    return True


def _is_maker(function: ast.expr, np: str) -> bool:
    if isinstance(function, ast.Name):
        return function.id in ("_ones", "max")
    if not isinstance(function, ast.Attribute):
        return False
    return function.attr in (MAKERS if is_module(function.value, np) else METHODS)


def _written(flow: Flow, aliases: Aliases, np: str) -> set[Member]:
    """The classes that a function writes to, or may: what statements and functions of its own are given."""
    found: set[Member] = set()
    for position, line in enumerate(flow.lines):
        for tree in line.trees:
            for node in _changed(tree, np):
                found.update(aliases.classes.of(member) for member in aliases.memory_at(node, position))
    return found


def _changed(tree: ast.stmt, np: str) -> Iterator[ast.expr]:
    if isinstance(tree, ast.AugAssign):
        yield tree.target
    for node in walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield node.value
        elif isinstance(node, ast.Call):
            memory = given_memory(node, np)
            yield from [memory] if memory is not None else []
            if isinstance(node.func, ast.Name) and node.func.id not in SCALARS.union(COPIED):
                yield from (node.func, *node.args)
            elif isinstance(tree, ast.Expr) and tree.value is node:
                yield from (node.func, *node.args[:1])
