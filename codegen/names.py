"""Names in the emitted module: the model's come first, the emitter's own give way.

>>> names = Names(["lambda", "np", "h"])
>>> names.local("lambda"), names.local("np"), names.ref("np"), names.ref("float")
('lambda_', 'np', '_np', 'float')
>>> scope = names.scope()
>>> scope.fresh("h"), scope.fresh("total"), scope.fresh("total")
('h_2', 'total', 'total_2')
"""

from __future__ import annotations

import builtins
import keyword
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from autodiffc.compiler.ops.tiles import TILE

from .routines import ROUTINES

# What an emitted module defines or imports; temporaries never bear these names.
MODULE_NAMES = frozenset({
    "np", "math", "ndarray", "NamedTuple", "annotations", "SPEC", "Params", "Grads", "Outputs", "Cache",
    "init_params", "forward", "backward", "value_and_grad", "grad", "predict", "pack", "unpack",
    "objective", "objective_hessp", "objective_hess", "residuals", "Residuals", "bounds",
    "jvp", "vjp", "hvp", "gauss_newton", "jacobian", "value_and_jacobian", "hessian",
    "Sparse", "Colouring", "sparse_jacobian", "value_and_sparse_jacobian", "jacobian_csr",
    "jacobian_sparsity", "jacobian_colouring", "JACOBIAN_SPARSITY", "sparse_hessian", "hessian_csr",
    "hessian_sparsity", "hessian_colouring", "HESSIAN_SPARSITY",
    "Any", "Callable", "Generator", "release", "deque", "Context", "copy_context",
    "AbstractContextManager", "Workspace",
})  # fmt: skip
_PYTHONS = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins)))
_BOUND = frozenset(
    [f"np_{name}" for name, found in vars(np).items() if isinstance(found, np.ufunc)]
    + [f"math_{name}" for name in vars(math)]
)  # names of functions that a module may bind (see bound.py)
_TAKEN = MODULE_NAMES | _PYTHONS | _BOUND


def escaped(name: str) -> str:
    """A model's name as Python can write it."""
    return f"{name}_" if keyword.iskeyword(name) else name


class Names:
    """The names of one module.

    A function's argument called `np` hides the module `np` inside that function; the emitter then says
    `_np`, an alias at the module's top level. `aliases` are those that were asked for.
    """

    def __init__(self, model_names: Iterable[str]):
        self._local: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.used: set[str] = set()  # globals that the text refers to, under their own names
        wanted = list(dict.fromkeys(model_names))
        kept = {name for name in wanted if escaped(name) == name}
        for name in wanted:
            self._local[name] = name if name in kept else _free(escaped(name), kept)
            kept.add(self._local[name])
        self._local[str(TILE)] = _free("rows", kept)
        self.model = frozenset(kept)

    def local(self, name: str) -> str:
        """The Python name of an argument or value of the model."""
        return self._local.get(name) or escaped(name)

    def ref(self, name: str) -> str:
        """How a function body refers to a module-level name or builtin."""
        self.used.add(name)
        if name not in self.model:
            return name
        if name not in self.aliases:
            taken = {*self.model, *self.aliases.values(), *ROUTINES}
            self.aliases[name] = _free(f"_{name}", taken)
        return self.aliases[name]

    def scope(self, locals: Iterable[str] = ()) -> Scope:
        """The names of one function, in which these are taken."""
        return Scope(self, set(locals))


class Scope:
    """The local names of one function."""

    def __init__(self, names: Names, taken: set[str]):
        self.names = names
        self.taken = taken
        self._counts: dict[str, int] = {}

    def claim(self, model_name: str) -> str:
        """The name of a value of the model; a second value of that name gets a number."""
        local = self.names.local(model_name)
        if local not in self.taken:
            self.taken.add(local)
            return local
        return self.fresh(local)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Names that are taken inside may be used again afterwards."""
        taken, counts = set(self.taken), dict(self._counts)
        yield
        self.taken, self._counts = taken, counts

    def fresh(self, base: str, suits: Callable[[str], bool] = lambda name: True) -> str:
        """A name of the emitter's own: `base`, or `base_2`, … where that is taken or doesn't suit."""
        if self.is_free(base) and suits(base):
            self.taken.add(base)
            return base
        count = self._counts.get(base, 1) + 1
        while not (self.is_free(f"{base}_{count}") and suits(f"{base}_{count}")):
            count += 1
        self._counts[base] = count
        self.taken.add(f"{base}_{count}")
        return f"{base}_{count}"

    def is_free(self, name: str) -> bool:
        """Whether nothing else bears the name."""
        return not (name in self.taken or name in self.names.model or name in _TAKEN)


def _free(base: str, taken: Iterable[str]) -> str:
    while base in taken:
        base += "_"
    return base
