"""Routines for memory that calls leave to later ones, and for that which a caller lends.

>>> memory = _taken(lambda n: [np.empty(n)], 3)
>>> _IDLE.append(memory)
>>> _taken(memory[0][0], 3) is memory, _taken(memory[0][0], 3) is memory
(True, False)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context
from typing import Any

import numpy as np
from autodiffc.compiler.special_blocks import _room as _room
from numpy import ndarray

_IDLE: deque[tuple[Any, ...]] = deque(maxlen=8)
__all__ = ["np"]


def _taken(make: Callable[..., list[Any]], *sizes: int) -> tuple[Any, ...]:
    """Memory for one call, after what tells whose it is: what an earlier call has left, or new."""
    wanted = make, sizes
    for _ in range(len(_IDLE)):
        try:
            memory = _IDLE.pop()
        except IndexError:  # another thread was quicker
            break
        if memory[0] == wanted:
            return memory
        _IDLE.appendleft(memory)
    return wanted, *make(*sizes)


def _room_like(scratch: dict[str, ndarray], name: str, x: ndarray) -> ndarray:
    """Such memory for an array that lies as x does."""
    if x.flags.f_contiguous:
        turned: ndarray = _room(scratch, name, x.shape[::-1], x.dtype).T
        return turned
    return _room(scratch, name, x.shape, x.dtype)


def _numbers(scratch: dict[str, ndarray] | None, n: int, step: int = 1) -> ndarray:
    """np.arange(n) * step, not to be written to."""
    if scratch is None:
        return np.arange(n) * step
    name = f"numbers {step}"
    held = scratch.get(name)
    if held is None or len(held) < n:
        held = scratch[name] = _constant(np.arange(n) * step)
    found: ndarray = held[:n]
    return found


def _are_within(places: ndarray, size: int) -> bool:
    """Whether there are such places in an axis, counted from its beginning."""
    largest = places.view(np.uint64).argmax()  # what is negative is large without a sign
    return bool(0 <= places.item(largest) < size)


def _drawn(rng: np.random.Generator, rate: float, mask: ndarray, scratch: dict[str, ndarray]) -> ndarray:
    """rng.random(mask.shape) >= rate in given memory, drawn for some thousand elements at a time."""
    if mask.size <= 8192:
        uniform = _room(scratch, "uniform", mask.shape, np.float64)
        np.greater_equal(rng.random(out=uniform), rate, out=mask)
        return mask
    flat, uniform = mask.reshape(-1), _room(scratch, "uniform", (8192,), np.float64)
    for start in range(0, len(flat), 8192):
        some = flat[start : start + 8192]
        np.greater_equal(rng.random(out=uniform[: len(some)]), rate, out=some)
    return mask


def _constant(array: ndarray) -> ndarray:
    """An array that calls share, and that nothing may write to."""
    array.flags.writeable = False
    return array


def _switch(
    change: Callable[[], Any], back: Callable[[Any], Any]
) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """`change`, which alters NumPy's settings, and `back` in a fraction of their time.

    NumPy 2 has a variable for its settings, which is set to what `change` made of its value.
    """
    context = Context()
    if int(np.__version__.partition(".")[0]) > 1:
        context.run(change)
    if len(context) != 1:  # NumPy keeps them elsewhere
        return change, back
    (settings,) = context
    known: tuple[Any, Any] = None, None

    def changed() -> Any:
        change()
        return settings.get()

    def switch() -> Any:
        nonlocal known
        usual, other = known
        before = settings.get()
        if before is not usual:
            known = before, other = before, copy_context().run(changed)
        return settings.set(other)

    return switch, settings.reset


# A function of operands that broadcast or are converted copies them piece by piece, to new memory of 64 kB.
# In pieces of 4 kB that takes no longer, and rows of 300 elements or more aren't copied at all.
_small_buffers, _usual_buffers = _switch(lambda: np.setbufsize(512), np.setbufsize)


def _supply(make: Callable[[], ndarray]) -> Callable[[], Callable[[], ndarray]]:
    """What begins to hand out arrays: first those that it has handed out before, then new ones."""
    made: list[ndarray] = []

    def arrays() -> Iterator[ndarray]:
        yield from made
        while True:
            made.append(make())
            yield made[-1]

    return lambda: arrays().__next__


def _supply_of_sizes(dtype: Any) -> Callable[[], Callable[[tuple[int, ...]], ndarray]]:
    """The same for arrays of the shapes that are asked for."""
    made: dict[str, ndarray] = {}

    def begin() -> Callable[[tuple[int, ...]], ndarray]:
        numbers = iter(range(2**62))
        return lambda shape: _room(made, str(next(numbers)), shape, dtype)

    return begin


class Workspace:
    """Memory that calls compute in, kept from one to the next: value_and_grad(…, workspace=Workspace()).

    With `outputs` the arrays that a call returns are its memory too: the next call of that
    function overwrites them. It serves one call at a time, so each thread needs its own, and gets
    new memory where sizes change. A pickle of it holds no arrays.
    """

    def __init__(self, outputs: bool = False) -> None:
        self.outputs = outputs
        self._held: dict[tuple[Callable[..., list[Any]], tuple[int, ...]], list[Any]] = {}
        self._turn = [True]  # is taken while a call computes
        self._pool: Any = None  # where a call leaves it for later ones
        self._before: Any = None  # the size of NumPy's buffers outside

    def release(self) -> None:
        """Forget the memory."""
        with self:
            self._held.clear()

    def memory(self, make: Callable[..., list[Any]], *sizes: int) -> list[Any]:
        """The arrays that `make` has made for these sizes."""
        try:
            return self._held[make, sizes]
        except KeyError:
            return self._keep(make, sizes, make(*sizes))

    def results(self, given: Sequence[Any], make: Callable[..., list[Any]], *sizes: int) -> list[Any]:
        """The arrays for what a call returns; `given` are its arguments."""
        if not self.outputs:
            return make(*sizes)
        try:
            own, *arrays = self._held[make, sizes]
        except KeyError:  # views, so that whatever lies in their memory has a base
            arrays = [array.view() for array in make(*sizes)]
            own = {id(array.base) for array in arrays}
            self._keep(make, sizes, [own, *arrays])
        for value in given:
            base = getattr(value, "base", None)
            if base is not None and id(base) in own:
                problem = "an argument is memory of the workspace that this call overwrites"
                raise ValueError(f"{problem}: copy it")
        return arrays

    def _keep(self, make: Callable[..., list[Any]], sizes: tuple[int, ...], made: list[Any]) -> list[Any]:
        for key in [key for key in self._held if key[0] is make][:-1]:
            del self._held[key]  # two sizes are kept: a loop over tiles ends with a smaller one
        self._held[make, sizes] = made
        return made

    def __enter__(self) -> Workspace:
        try:
            self._turn.pop()
        except IndexError:
            problem = "another call computes in this workspace; each thread needs its own"
            raise RuntimeError(problem) from None
        self._before = _small_buffers()
        return self

    def __exit__(self, raised: object, *_: object) -> None:
        _usual_buffers(self._before)
        self._turn.append(True)
        if self._pool is not None and raised is None:
            self._pool.append(self)

    def __reduce__(self) -> tuple[type[Workspace], tuple[bool]]:
        return Workspace, (self.outputs,)


_SPACES: deque[Workspace] = deque(maxlen=8)


def _borrowed() -> Workspace:
    """A workspace for one call, which an earlier call has left, or new."""
    try:
        return _SPACES.pop()
    except IndexError:
        workspace = Workspace()
        workspace._pool = _SPACES
        return workspace
