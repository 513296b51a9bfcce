"""A workload: a model, its arguments, the same computation by hand, and how each peer writes it.

    product = Workload(
        name="product",
        title="(x + y) z",
        model=MODELS / "product.dsl",
        draw=lambda: {"x": 2.0, "y": 5.0, "z": -4.0},
        wrt=("x", "y", "z"),
        best=lambda x, y, z: ((x + y) * z, (z, z, x + y)),
        objective=lambda np, x, y, z: (x + y) * z,
        goals={"jax": 50},
    )

`objective` is written once against a namespace (see backends.py) that has each framework's own idioms under
NumPy's names; a peer that would be written otherwise by a user of it has an entry of its own in `own`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]
MODELS = BENCHMARKS / "models"
EXAMPLES = BENCHMARKS.parent / "examples"
CASES = BENCHMARKS.parents[1] / "shared" / "cases"

Answer = tuple[Any, tuple[Any, ...]]


@dataclass(frozen=True)
class Limit:
    """What no NumPy can be quicker than: part of the work alone (its products), and how near to come."""

    what: str
    times: float
    run: Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Workload:
    """name        of the row, as `--only` takes it
    title       what the report calls it
    model       the model's file
    draw        the arguments by name, in the model's order; FileNotFoundError where its data is missing
    wrt         the names that are differentiated, in the order of Grads
    best        (value, gradients) by hand in NumPy, as quick as we can; stable like the model; no checks
    objective   the value, in a framework's namespace
    own         instead of it for one peer: a function of (namespace, arguments)
    goals       at least so many times faster than that peer
    limit       see Limit
    dims        given to the compiler (`-D`)
    without     peers that can't do it, or aren't asked to, and why
    casadi      whether CasADi and SymPy take part: graphs of scalars
    numba       the function by hand is such that Numba compiles it
    would_take  what it would take to reach a goal that is missed, or a peer that is quicker
    """

    name: str
    title: str
    model: Path
    draw: Callable[[], dict[str, Any]]
    wrt: tuple[str, ...]
    best: Callable[..., Answer] | None
    objective: Callable[..., Any]
    own: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    goals: Mapping[str, float] = field(default_factory=dict)
    limit: Limit | None = None
    dims: Mapping[str, int] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    scalars: bool = False
    numba: bool = False
    tolerance: float = 1e-9
    would_take: str = ""

    def places(self, arguments: Mapping[str, Any]) -> list[int]:
        """Where the differentiated arguments stand."""
        names = list(arguments)
        return [names.index(name) for name in self.wrt]


def data(name: str) -> Path:
    """A file of the third-party cases, which lie beside the project."""
    path = CASES / name
    if not path.exists():
        raise FileNotFoundError(f"{name} is not there (the third-party cases lie beside the project)")
    return path
