"""Which variables may share memory, as far as a function's text tells.

    h = x @ W               new memory: a site
    flat = h.reshape(-1)    flat and h are of one class
    s.append(h)             so is the list that keeps h

What is not known to be new may be the memory of all that it is made of.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from functools import cache

from autodiffc.compiler.types import Type

from .flow import name_of
from .into import EMPTY, given_memory, is_module, is_ufunc
from .trees import children, walk

NEW_FUNCTIONS = frozenset({
    "sum", "mean", "max", "min", "prod", "where", "zeros", "empty", "ones", "full", "zeros_like",
    "empty_like", "ones_like", "full_like", "arange", "eye", "concatenate", "stack", "take", "outer",
    "take_along_axis", "dot", "vdot", "clip", "cumsum", "cumprod", "argmax", "argmin", "argsort", "sort",
    "tril", "triu", "repeat", "tile", "roll", "pad", "copy", "array", "bincount", "linspace", "any", "all",
    "tensordot", "round",
})  # fmt: skip
NEW_METHODS = frozenset({
    "sum", "mean", "max", "min", "prod", "dot", "copy", "astype", "cumsum", "cumprod", "take", "clip", "any",
    "all", "argmax", "argmin", "argsort", "trace", "repeat", "tolist", "item",
})  # fmt: skip
SCALARS = frozenset({"float", "int", "bool", "len", "range", "max", "min", "abs", "round", "sum"})
Member = Hashable  # a variable's name, or an expression that makes new memory


class Classes:
    """Disjoint classes of what may share memory."""

    def __init__(self) -> None:
        self._parents: dict[Member, Member] = {}

    def of(self, member: Member) -> Member:
        """What stands for the class of a member."""
        path = []
        while (parent := self._parents.setdefault(member, member)) is not member:
            path.append(member)
            member = parent
        self._parents.update(dict.fromkeys(path, member))
        return member

    def join(self, first: Member, *others: Member) -> None:
        for other in others:
            self._parents[self.of(other)] = self.of(first)

    def members(self) -> dict[Member, list[Member]]:
        """The members of each class."""
        found: dict[Member, list[Member]] = {}
        for member in list(self._parents):
            found.setdefault(self.of(member), []).append(member)
        return found


class Aliases:
    """The classes of a function's variables.

    `types` are those of variables, `is_new` tells which functions of the module make new memory, `variable`
    which variable a name stands for on a line.
    """

    def __init__(
        self,
        np: str,
        types: Mapping[str, Type] = {},
        is_new: Callable[[str], bool] = lambda name: False,
        variable: Callable[[str, int], str] = lambda name, position: name,
    ):
        self.classes = Classes()
        self._np, self._types, self._is_new, self._variable = np, types, is_new, variable
        self._position = 0
        self._returned: set[Member] = set()
        self._sources: dict[Member, dict[Member, None]] = {}  # what a variable's value may be
        self._users: dict[Member, dict[Member, None]] = {}  # the variables whose value something may be
        self._changed: dict[Member, None] = {}  # lists that were added to

    @property
    def returned(self) -> set[Member]:
        """The classes of what the function gives out."""
        return {self.classes.of(member) for member in self._returned}

    def holders(self, memory: Member) -> set[str]:
        """The variables that may hold what an expression makes, or what a variable has held."""
        return {member for member in self._reached([memory], self._users) if isinstance(member, str)}

    def may_be(self, node: ast.expr, position: int, made: Collection[Member]) -> bool:
        """Whether the value of an expression on a line may be what one of these makes."""
        found = self._reached(self.memory_at(node, position), self._sources)
        return not set(found).isdisjoint(made)

    def family(self, variable: str) -> set[str]:
        """The variables that may share memory with this one."""
        found = self._reached(self._reached([variable], self._sources), self._users)
        return {member for member in found if isinstance(member, str)}

    def _reached(self, members: Iterable[Member], ways: Mapping[Member, Iterable[Member]]) -> list[Member]:
        self._share_changes()
        found = dict.fromkeys(members)
        waiting = list(found)
        while waiting:
            new = [member for member in ways.get(waiting.pop(), ()) if member not in found]
            found.update(dict.fromkeys(new))
            waiting += new
        return list(found)

    def _share_changes(self) -> None:
        """What is added to a list is added to it under all names that it may have."""
        if self._changed:
            members = self.classes.members()
            for changed in self._changed:
                names = [m for m in members.get(self.classes.of(changed), ()) if isinstance(m, str)]
                for name in names:
                    if name != changed and not self._is_array(name):
                        self._flows(name, [changed])
            self._changed.clear()

    def _flows(self, variable: Member, memory: Iterable[Member]) -> None:
        for source in memory:
            self._sources.setdefault(variable, {})[source] = None
            self._users.setdefault(source, {})[variable] = None

    def _is_array(self, member: Member) -> bool:
        type = self._types.get(name_of(member)) if isinstance(member, str) else None
        return type is not None and type.rank > 0

    def _is_number(self, name: str) -> bool:
        return name in self._types and not self._types[name].rank

    def read(self, tree: ast.stmt, position: int = 0) -> None:
        """Take a statement into account."""
        self._position = position
        if isinstance(tree, ast.Assign):
            for target in tree.targets:
                self._assign(target, tree.value)
        elif isinstance(tree, ast.AugAssign):
            if not (isinstance(tree.target, ast.Name) and self._is_array(tree.target.id)):
                self._assign(tree.target, tree.value)
        elif isinstance(tree, ast.For):
            self._bind(tree.target, set(self.memory(tree.iter)))
        elif isinstance(tree, ast.Return) and tree.value is not None:
            self._returned.update(self.memory(tree.value))
        elif isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Call):
            self._call(tree.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for part, one in zip(target.elts, value.elts):
                self._assign(part, one)
        else:
            self._bind(target, set(self.memory(value)))

    def _bind(self, target: ast.expr, memory: set[Member]) -> None:
        """What a target holds is from now on (also) of these memories; elements of arrays are copies."""
        if isinstance(target, ast.Name):
            if not self._is_number(target.id):
                variable = self._variable(target.id, self._position)
                self.classes.join(variable, *memory)
                self._flows(variable, memory)
        elif isinstance(target, ast.Tuple):
            for part in target.elts:
                self._bind(part, memory)
        elif isinstance(target, ast.Subscript):
            whole = set(self.memory(target.value))
            if not all(map(self._is_array, whole)):
                self._add(whole, memory)

    def _call(self, call: ast.Call) -> None:
        """A call for its effect: `s.append(h)` keeps h; NumPy's functions copy what they store."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "extend", "insert"):
            self._add(set(self.memory(call.func.value)), {m for a in call.args for m in self.memory(a)})

    def _add(self, lists: set[Member], memory: set[Member]) -> None:
        """What lists hold from now on too."""
        if lists or memory:
            self.classes.join(*lists, *memory)
        for one in lists:
            self._flows(one, memory)
            self._changed[one] = None

    def memory_at(self, node: ast.expr, position: int) -> list[Member]:
        """What memory the value of an expression on a line may be."""
        self._position = position
        return list(self.memory(node))

    def memory(self, node: ast.expr) -> Iterator[Member]:
        """What memory the value of an expression may be: variables' and that which expressions make."""
        if isinstance(node, ast.Name):
            if not self._is_number(node.id):
                yield self._variable(node.id, self._position)
        elif isinstance(node, ast.Call):
            yield from self._memory_of_call(node)
        elif isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare)):
            yield node
        elif isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "ndim", "dtype"):
            return
        elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            yield from self.memory(node.value)
        elif isinstance(node, ast.IfExp):
            yield from self.memory(node.body)
            yield from self.memory(node.orelse)
        else:
            for child in children(node):
                if isinstance(child, ast.expr):
                    yield from self.memory(child)
                elif isinstance(child, ast.comprehension):
                    yield from self.memory(child.iter)

    def _memory_of_call(self, node: ast.Call) -> Iterator[Member]:
        function = node.func
        given = given_memory(node, self._np)
        if given is not None:
            yield from self.memory(given)
        elif isinstance(function, ast.Name) and function.id in SCALARS:
            return
        elif self._makes_new(function, len(node.args)):
            yield node
        else:
            if isinstance(function, ast.Attribute) and not self._is_numpy(function.value):
                yield from self.memory(function.value)
                return
            for argument in (*node.args, *(k.value for k in node.keywords)):
                yield from self.memory(argument)

    def _is_numpy(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return is_module(node, self._np)

    def _makes_new(self, function: ast.expr, count: int) -> bool:
        if isinstance(function, ast.Name):
            return function.id == EMPTY or self._is_new(function.id)
        if not isinstance(function, ast.Attribute):
            return False
        owner = function.value
        if is_module(owner, self._np):
            several = function.attr == "einsum" and count > 2  # of one array it may be a view
            return several or is_ufunc(function.attr) or function.attr in NEW_FUNCTIONS
        if isinstance(owner, ast.Attribute) and is_module(owner.value, self._np):
            return owner.attr == "linalg" or function.attr in ("reduce", "outer", "accumulate")
        return function.attr in NEW_METHODS


@cache
def gives_new_memory(source: str) -> bool:
    """Whether a routine's result is never memory of its arguments, nor kept between calls."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    aliases = Aliases("np")
    for tree in walk(function):
        if isinstance(tree, ast.stmt):
            aliases.read(tree)
    own = {n.id for n in walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own -= {a.arg for a in walk(function) if isinstance(a, ast.arg)}
    returned = aliases.returned
    members = aliases.classes.members()
    given = {m for one in returned for m in members.get(one, ()) if isinstance(m, str)}
    return given <= own
