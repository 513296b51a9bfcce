"""Random arguments for a checked model: reals above 0, ints in their ranges (or up to 3), any truth values.

drawn_arguments(program, {"N": 3}, seed=0, high=1.5)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from autodiffc.compiler.model import Program


def drawn_arguments(program: Program, sizes: Mapping[str, int], seed: int, high: float) -> dict[str, Any]:
    """Reals in 0.2 … high, and numbers where the model has no array."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for a in program.arguments:
        shape = tuple(d.evaluate(sizes) for d in a.type.shape)
        if a.type.kind == "int":
            found[a.name] = rng.integers(0, a.range[1].evaluate(sizes) if a.range else 4, shape)
        elif a.type.kind == "bool":
            found[a.name] = rng.random(shape) < 0.5
        else:
            value = rng.uniform(0.2, high, shape)
            found[a.name] = value if shape else float(value)
    return found
