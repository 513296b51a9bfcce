"""Who runs a workload, each as a function of arguments that it is handed in its own form.

    for contender in contenders(workload, ("O2", "best", "jax")):
        value, gradients = contender.answer()          # in NumPy, for comparison
        contender.function(*contender.arguments)       # what is timed

Ours and the hand-written take and give NumPy arrays and Python floats. JAX, PyTorch and CasADi are handed
arrays of their own, made beforehand, and their answers stay their own: a user who wants NumPy pays more.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

import numpy as np

from .workload import Answer, Workload

OURS = ("O0", "O1", "O2")
PEERS = ("jax", "torch", "compile", "module", "autograd", "casadi", "buffer", "sympy", "numba")
ALL = (*OURS, "workspace", "forward", "best", "limit", *PEERS)
TITLES = {
    "O0": "-O0",
    "O1": "-O1",
    "O2": "-O2",
    "workspace": "-O2, workspace",
    "forward": "-O2's forward",
    "best": "NumPy by hand",
    "limit": "limit",
    "jax": "JAX jit",
    "torch": "PyTorch",
    "compile": "torch.compile",
    "module": "torch.nn",
    "autograd": "autograd",
    "casadi": "CasADi",
    "buffer": "CasADi, buffers",
    "sympy": "SymPy lambdify",
    "numba": "Numba, by hand",
}


class Skipped(Exception):
    """A contender that can't take part, and why."""


@dataclass(frozen=True)
class Contender:
    """What is called with what, and how its result is read: None where there is nothing to compare."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    read: Callable[[Any], Answer] | None

    def answer(self) -> Answer | None:
        return None if self.read is None else self.read(self.function(*self.arguments))


def as_numpy(answer: Any) -> Answer:
    value, gradients = answer
    return float(value), tuple(np.asarray(g, float) for g in gradients)


@cache
def emitted(workload: Workload, level: int) -> ModuleType:
    """The compiled module."""
    import autodiffc

    return autodiffc.load(workload.model, level=level, dims=dict(workload.dims))


def ours(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    module = emitted(workload, int(name[1]))
    return Contender(name, module.value_and_grad, tuple(arguments.values()), as_numpy)


def forward(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    return Contender(name, emitted(workload, 2).forward, tuple(arguments.values()), None)


def workspace(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    """-O2 in a caller's own memory, results included."""
    import autodiffc

    module = autodiffc.load(workload.model, level=2, dims=dict(workload.dims), emit=["workspace"])
    if not hasattr(module, "Workspace"):
        raise Skipped("a model of numbers needs no memory")
    run = partial(module.value_and_grad, workspace=module.Workspace(outputs=True))
    return Contender(name, run, tuple(arguments.values()), as_numpy)


def best(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    if workload.best is None:
        raise Skipped("not written by hand")
    return Contender(name, workload.best, tuple(arguments.values()), as_numpy)


def limit(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    if workload.limit is None:
        raise Skipped("none")
    return Contender(name, workload.limit.run, tuple(arguments.values()), None)


def objective(workload: Workload, name: str, namespace: Any) -> Callable[..., Any]:
    function = workload.own.get(name, workload.objective)
    return lambda *arguments: function(namespace, *arguments)


def jax(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    import jax

    from .backends import Jax

    jax.config.update("jax_enable_x64", True)
    places = tuple(workload.places(arguments))
    compiled = jax.jit(jax.value_and_grad(objective(workload, name, Jax()), places))

    def run(*own: Any) -> Any:
        result = compiled(*own)
        result[0].block_until_ready()
        return result

    own = tuple(jax.numpy.asarray(a) for a in arguments.values())
    return Contender(name, run, own, as_numpy)


def tensors(workload: Workload, arguments: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """All arguments, and those of them that want a gradient."""
    import torch

    own = [torch.as_tensor(np.array(a)) for a in arguments.values()]
    wanted = [own[place].requires_grad_() for place in workload.places(arguments)]
    return own, wanted


def torch(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    import torch

    from .backends import Torch

    if name == "compile" and not workload.goals:
        raise Skipped("it compiles for 10 to 30 s: only where there is a goal")
    own, wanted = tensors(workload, arguments)
    function = objective(workload, name if name in workload.own else "torch", Torch())
    if name == "compile":
        if torch.backends.cpu.get_cpu_capability() == "AVX2":  # which the compiler doesn't ask
            inductor = importlib.import_module("torch._inductor.config")
            inductor.cpp.simdlen = 256
        function = torch.compile(function)

    def run(*own: Any) -> Any:
        value = function(*own)
        return value, torch.autograd.grad(value, wanted)

    def read(result: Any) -> Answer:
        return as_numpy((result[0].detach(), [g.numpy() for g in result[1]]))

    return Contender(name, run, tuple(own), read)


def module(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    """A layer of torch.nn, where the workload has one."""
    if "module" not in workload.own:
        raise Skipped("no such layer")
    return torch(workload, arguments, name)


def autograd(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    import autograd

    from .backends import Autograd

    run = autograd.value_and_grad(objective(workload, name, Autograd()), workload.places(arguments))
    return Contender(name, run, tuple(arguments.values()), as_numpy)


def casadi_function(workload: Workload, arguments: dict[str, Any]) -> Any:
    import casadi

    from .backends import Casadi

    if not workload.scalars:
        raise Skipped("graphs of scalars only")
    symbols = [casadi.SX.sym(name) for name in arguments]
    value = objective(workload, "casadi", Casadi())(*symbols)
    wanted = casadi.vertcat(*(symbols[place] for place in workload.places(arguments)))
    gradient = casadi.gradient(value, wanted)
    return casadi.Function("f", symbols, [value, *casadi.vertsplit(gradient)], {"cse": True})


def casadi(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    function = casadi_function(workload, arguments)
    return Contender(name, function, tuple(arguments.values()), lambda r: as_numpy((r[0], map(float, r[1:]))))


def buffer(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    """CasADi reading from and writing to the memory of NumPy arrays: no argument is packed or unpacked."""
    function = casadi_function(workload, arguments)
    handle, evaluate = function.buffer()
    given: list[Any] = [np.array(value, float) for value in arguments.values()]
    results: list[Any] = [np.zeros(()) for _ in range(function.n_out())]
    for i, array in enumerate(given):
        handle.set_arg(i, memoryview(array))
    for i, array in enumerate(results):
        handle.set_res(i, memoryview(array))

    def read(_: Any, keep: Any = (handle, given)) -> Answer:
        return as_numpy((results[0], results[1:]))

    return Contender(name, evaluate, (), read)


def sympy(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    import sympy

    from .backends import Sympy

    if not workload.scalars:
        raise Skipped("graphs of scalars only")
    symbols = sympy.symbols(list(arguments), real=True)
    value = objective(workload, "sympy", Sympy())(*symbols)
    slopes = [sympy.diff(value, symbols[place]) for place in workload.places(arguments)]
    run = sympy.lambdify(symbols, [value, *slopes], modules="math", cse=True)
    return Contender(name, run, tuple(arguments.values()), lambda r: as_numpy((r[0], r[1:])))


def numba(workload: Workload, arguments: dict[str, Any], name: str) -> Contender:
    """Numba has no derivatives: it compiles the gradient that was written by hand."""
    import numba

    if not workload.numba:
        raise Skipped("no loop or scalar code by hand to compile")
    run = numba.njit(workload.own.get("numba", workload.best))
    return Contender(name, run, tuple(arguments.values()), as_numpy)


MAKERS: dict[str, Callable[[Workload, dict[str, Any], str], Contender]] = {
    **dict.fromkeys(OURS, ours),
    "workspace": workspace, "forward": forward, "best": best, "limit": limit, "jax": jax, "torch": torch,
    "compile": torch, "module": module, "autograd": autograd, "casadi": casadi, "buffer": buffer,
    "sympy": sympy, "numba": numba,
}  # fmt: skip


def contenders(workload: Workload, names: tuple[str, ...]) -> Iterator[Contender | tuple[str, str]]:
    """Each contender, or its name and why it doesn't take part."""
    arguments = workload.draw()
    for name in names:
        try:
            if name in workload.without:
                raise Skipped(workload.without[name])
            yield MAKERS[name](workload, arguments, name)
        except Skipped as reason:
            yield name, str(reason)
        except ImportError as missing:
            yield name, f"{missing.name} is not installed"
        except Exception as error:
            yield name, f"failed: {type(error).__name__}: {error}"[:300]
