"""An emitted module seen from the checker: its outputs and gradients by the model's own names.

Every way to a gradient that the module has is asked: `value_and_grad`, `grad`, and `forward` with `backward`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np

from .ir import Array
from .model import Program
from .samples import SEED, Sizes

Arguments = Mapping[str, Array]
Gradients = dict[str, Array]


ROUGHLY = 1e-4  # of a value: what no rounding explains, not that of float32 either


class Fault(Exception):
    """The module did what it must not do; the message says what."""


class Compiled:
    """The functions of a module, called with arrays by name."""

    def __init__(self, program: Program, module: Any):
        self.program = program
        self.module = module

    def outputs(self, arguments: Arguments) -> dict[str, Array]:
        """Every output's value."""
        fields, _ = self._call("forward", *self._positional(arguments))
        if len(fields) != len(self.program.outputs):
            raise Fault(f"forward gave {len(fields)} outputs, not {len(self.program.outputs)}")
        return {name: np.asarray(field) for name, field in zip(self.program.outputs, fields)}

    def value(self, arguments: Arguments) -> Array:
        """The target's value as `value_and_grad` gives it."""
        value, _ = self._call("value_and_grad", *self._positional(arguments))
        return np.asarray(value)

    def contracted(self, arguments: Arguments, cotangents: Arguments) -> float:
        """⟨cotangents, outputs⟩."""
        outputs = self.outputs(arguments)
        return float(sum(np.sum(cotangent * outputs[name]) for name, cotangent in cotangents.items()))

    def gradients(self, arguments: Arguments, cotangents: Arguments) -> Iterator[tuple[str, Gradients]]:
        """The gradient by each way that leads to it, all for the same cotangent."""
        seed = cotangents[self.program.target or ""]
        if self.program.scalar_target:
            value, grads = self._call("value_and_grad", *self._positional(arguments))
            self._same_value(value, arguments)
            yield "value_and_grad", self.named("value_and_grad", grads, arguments, float(seed))
            grads = self._call("grad", *self._positional(arguments))
            yield "grad", self.named("grad", grads, arguments, float(seed))
        _, cache = self._call("forward", *self._positional(arguments))
        grads = self._call("backward", cache, float(seed) if seed.ndim == 0 else seed)
        yield "backward", self.named("backward", grads, arguments, 1.0)

    def has(self, function: str) -> bool:
        return hasattr(self.module, function)

    def call(self, function: str, arguments: Arguments, *vectors: Array, **options: Any) -> Any:
        """What a function gives; vectors that it takes are after the model's arguments."""
        return self._call(function, *self._positional(arguments, vectors), **options)

    def pattern(self, function: str, arguments: Arguments, sizes: Sizes) -> Any:
        """What a function gives that takes the ints and the dims that a sparsity pattern needs."""
        known = {**arguments, **sizes}
        given = {p: known[p] if p in known else known[p.rstrip("_")] for p in self._parameters(function)}
        return self._call(function, **given)

    def _parameters(self, function: str) -> Sequence[str]:
        return tuple(signature(getattr(self.module, function)).parameters)

    def _positional(self, arguments: Arguments, vectors: Sequence[Array] = ()) -> list[Any]:
        """The arguments in call order, and read-only: a module that writes to one is found out.

        A generator that gives the point's masks comes last.
        """
        copies = [np.array(x) for x in (*(arguments[a.name] for a in self.program.arguments), *vectors)]
        for copy in copies:
            copy.flags.writeable = False
        return [*copies, np.random.default_rng(int(arguments[SEED]))] if self.program.draws else copies

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        function: Callable[..., Any] | None = getattr(self.module, name, None)
        if function is None:
            raise Fault(f"the module has no {name}")
        try:
            return function(*arguments, **options)
        except Exception as error:  # whatever it raises, it should not have
            raise Fault(f"{name} raised {type(error).__name__}: {error}") from error

    def _same_value(self, value: Any, arguments: Arguments) -> None:
        """The value must not depend on whether a gradient was asked for, but for its rounding."""
        plain = float(self.outputs(arguments)[self.program.target or ""])
        if not np.isclose(float(value), plain, rtol=ROUGHLY, atol=0.0, equal_nan=True):
            raise Fault(f"value_and_grad gives the value {value!r}, forward {plain!r}")

    def named(self, function: str, grads: Any, arguments: Arguments, factor: float = 1.0) -> Gradients:
        """The fields of Grads by name, each of the shape of its argument."""
        if len(grads) != len(self.program.wrt):
            raise Fault(f"{function} gave {len(grads)} gradients, not {len(self.program.wrt)}")
        named = {name: np.asarray(grad) * factor for name, grad in zip(self.program.wrt, grads)}
        for name, grad in named.items():
            if grad.shape != arguments[name].shape:
                raise Fault(f"{function}: d_{name} has shape {grad.shape}, {name} {arguments[name].shape}")
        return named
