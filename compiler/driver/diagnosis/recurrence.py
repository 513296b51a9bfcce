"""Through time: what a loop's steps make of a cotangent of what they carry.

The Jacobians of the steps, J_1 … J_T, are never made: a cotangent u goes back through the tape, J_tᵀ u step
by step. How long a random one becomes is how long their product is, in the root mean square; the spectral
radius of the product is found by the power method, which sends what comes out in again at the end.

(Y. Bengio, P. Simard and P. Frasconi, "Learning long-term dependencies with gradient descent is difficult",
1994; R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013;
the power method is in G. Golub and C. Van Loan, "Matrix Computations", section 7.3.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from math import exp, log

import numpy as np
from autodiffc.compiler.ir import Array, Graph, Node
from autodiffc.compiler.tape import Gradients, Place, Step, Tape

from .places import Places
from .seen import Recurrence, norm_of

ROUNDS, WORK = 12, 40_000  # of the power method; records that it may visit
FEW = 2
LONGEST = 700.0  # the logarithm of a length that is still a number
KEEPING = frozenset({"add", "sub", "set_at", "add_at"})  # what only collects

State = Mapping[int, Array]


def recurrences(tape: Tape, gradients: Gradients, places: Places, active: Set[int]) -> Iterator[Recurrence]:
    """The loops that carry what the gradient goes through; of one that runs often, the last run."""
    runs: dict[Node, tuple[Place, list[Step]]] = {}
    for place, step in tape.steps.items():
        loop = place[-1].node
        if loop not in runs or runs[loop][0] != place[:-1]:
            runs[loop] = (place[:-1], [])
        runs[loop][1].append(step)
    for loop, (_, steps) in runs.items():
        run = _Run(tape, gradients, places, loop, steps, active)
        if run.fills_rows():
            run = _Rows(tape, gradients, places, loop, steps, active)
        if len(run.boundaries) > FEW and run.carried:
            yield run.recurrence()


class _Run:
    """A run of a loop; its boundaries are the records of what is carried, before and after the steps."""

    def __init__(
        self,
        tape: Tape,
        gradients: Gradients,
        places: Places,
        loop: Node,
        steps: Sequence[Step],
        active: Set[int],
    ):
        self.tape = tape
        self.gradients = gradients
        self.places = places
        self.loop = loop
        self.steps = steps
        self.active = active
        self.carried = [k for k in range(len(steps[-1].after)) if self._is_state(k)]
        self.boundaries = self._boundaries()

    def _boundaries(self) -> list[list[int]]:
        states = [self.steps[0].before, *(step.after for step in self.steps)]
        return [list(dict.fromkeys(state[k] for k in self.carried)) for state in states]

    def fills_rows(self) -> bool:
        """Whether all that is carried are arrays, of which each step makes a row from earlier ones."""
        filled = all(self._written(step, k) is not None for step in self.steps for k in self.carried)
        return bool(self.carried) and filled and self._multiplies()

    def _written(self, step: Step, k: int) -> int | None:
        """What a step writes into an array that it carries."""
        last = self.tape.records[step.after[k]]
        writes = last.node.op.name == "set_at" and last.operands[0] == step.before[k]
        return last.operands[1] if writes else None

    def _is_state(self, k: int) -> bool:
        """Whether the gradient goes through what is carried there, and it is more than a sum or a list."""
        last = self.steps[-1]
        real = self.tape.records[last.before[k]].value.dtype.kind == "f"
        passed = any(self.gradients.of(step.after[k]) is not None for step in self.steps)
        return real and passed and self._transforms(last, k)

    def _transforms(self, step: Step, k: int) -> bool:
        found = self._depending(step, {step.before[k]})
        used = [self.tape.records[n] for n in found if n != step.before[k]]
        return any(r.node.op.name not in KEEPING for r in used) and not found.isdisjoint(step.after)

    def _depending(self, step: Step, start: Set[int]) -> set[int]:
        """The real records of a step that depend on these."""
        found = set(start)
        for number in step.records:
            record = self.tape.records[number]
            if record.value.dtype.kind == "f" and not found.isdisjoint(record.operands):
                found.add(number)
        return found

    def recurrence(self) -> Recurrence:
        first = self.carried[0]
        body: Graph = self.loop["body"]
        return Recurrence(
            ", ".join(str(body.inputs[1 + k]["name"]) for k in self.carried),
            self.places.line(self.tape.records[self.steps[-1].after[first]]),
            tuple(self._norms()),
            tuple(exp(min(length, LONGEST)) for length in self._reach()),
            self._radius(),
            self.loop.get("condition") is None and self._remembers(),
        )

    # --- lengths -----------------------------------------------------------------------------------

    def _norms(self) -> Iterator[float]:
        for numbers in self.boundaries:
            yield norm_of([g for n in numbers if (g := self.gradients.of(n)) is not None])

    def _reach(self) -> list[float]:
        """The logarithm of the length of a random cotangent, first step first; it is 1 after the last."""
        return self._pull(self._random(self.boundaries[-1]), 0)[1][::-1]

    def _random(self, numbers: Sequence[int]) -> State:
        """A random cotangent of these; the same one each time."""
        generator = np.random.default_rng(0)
        shapes = {n: self.tape.records[n].value.shape for n in numbers}
        return {n: np.asarray(generator.standard_normal(shape)) for n, shape in shapes.items()}

    def _pull(self, seed: State, first: int) -> tuple[State, list[float]]:
        """A cotangent goes back from the last boundary to this one: it there, its lengths' logarithms."""
        state, length = _scaled(seed)
        lengths = [0.0]
        for step, numbers in zip(self.steps[first:][::-1], self.boundaries[first:-1][::-1]):
            pulled = self.tape.pulled(state, step.records, self._depending(step, set(numbers)))
            state, length = _scaled(self._of(pulled, numbers))
            lengths.append(lengths[-1] + length)
        return state, lengths

    def _of(self, pulled: Gradients, numbers: Sequence[int]) -> State:
        found = {n: pulled.of(n) for n in numbers}
        return {n: np.zeros_like(self.tape.records[n].value) if u is None else u for n, u in found.items()}

    def _radius(self) -> float:
        """The spectral radius of the product of all steps but the first, a step's share."""
        begins, ends, steps = self.boundaries[1], self.boundaries[-1], len(self.boundaries) - 2
        state = self._random(ends)
        growth: list[float] = []
        visited = self.steps[-1].records.stop - self.steps[1].records.start
        for _ in range(max(3, min(ROUNDS, WORK // visited))):
            found, lengths = self._pull(state, 1)
            growth.append(lengths[-1] / steps)
            if len(begins) != len(ends) or not np.isfinite(lengths[-1]):
                break
            state = {end: found[begin] for end, begin in zip(ends, begins)}
        later = growth[len(growth) // 2 :]
        return exp(sum(later) / len(later))

    # --- what it is for ----------------------------------------------------------------------------

    def _remembers(self) -> bool:
        """Whether a step reads what is its own, by its number, or is a layer with weights."""
        return self._reads(self.steps[-1], {self.steps[-1].records.start}) or self._multiplies()

    def _reads(self, step: Step, counted: set[int]) -> bool:
        """Whether a real array is read at a place that the step's number gives."""
        for number in step.records:
            record = self.tape.records[number]
            if counted.isdisjoint(record.operands):
                continue
            if record.value.dtype.kind != "f":
                counted.add(number)
            elif record.node.op.work == "pick" and record.operands[0] in self.active:
                return True
        return False

    def _multiplies(self) -> bool:
        """Whether a step takes what it carries into a product."""
        step = self.steps[-1]
        found = self._depending(step, {step.before[k] for k in self.carried})
        return any(self.tape.records[n].node.op.work == "product" for n in found)


class _Rows(_Run):
    """A loop that carries arrays and fills them: its boundaries are the rows that its steps write.

    What a step has left alone goes through the others unchanged, and would hide what becomes of the rest.
    """

    def _boundaries(self) -> list[list[int]]:
        return [
            [row for k in self.carried if (row := self._written(step, k)) is not None] for step in self.steps
        ]

    def _pull(self, seed: State, first: int) -> tuple[State, list[float]]:
        state, _ = _scaled(seed)
        among = range(self.steps[first].records.start, self.steps[-1].records.stop)
        pulled = self.tape.pulled(state, among, self.active)
        found = [self._of(pulled, numbers) for numbers in self.boundaries[first:]][::-1]
        return found[-1], [0.0, *(_scaled(state)[1] for state in found[1:])]


def _scaled(state: State) -> tuple[State, float]:
    """Of length 1, and the logarithm of what it was."""
    length = norm_of(list(state.values()))
    if not length or not np.isfinite(length):
        return state, -np.inf
    return {n: u / length for n, u in state.items()}, log(length)
