"""ADBench's data files as the arguments of the models.

camera, point, feature, cameras, X, w = bundle(cases("adbench/ba/test.txt"))
model, arguments, reference = hand_case(cases, "test_simple")
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Cases = Callable[[str], Path]
SIMPLE = ("test_simple", "simple_small_hand1_t26_c100")


def bundle(path: Path) -> tuple[Any, ...]:
    """The arguments of a data file, which names one camera, point, weight and feature for all."""
    sizes, camera, point, weight, feature = (line for line in path.read_text().splitlines() if line.strip())
    n, m, p = map(int, sizes.split())
    i = np.arange(p)
    numbers = [np.array(line.split(), float) for line in (camera, point, weight, feature)]
    cameras, points, weights, features = (np.tile(v, (k, 1)) for v, k in zip(numbers, (n, m, p, p)))
    return i % n, i % m, features, cameras, points, weights[:, 0]


def fields(path: Path) -> list[list[str]]:
    return [line.split(":") for line in path.read_text().split()]


@cache
def mesh(folder: Path) -> tuple[Any, ...]:
    """base, inverse, parent, P, W, and the corners of the triangles."""
    bones = fields(folder / "bones.txt")
    base, inverse = np.array([bone[2:34] for bone in bones], float).reshape(-1, 2, 4, 4).swapaxes(0, 1)
    lines = fields(folder / "vertices.txt")
    P = np.array([[*line[:3], 1] for line in lines], float)
    W = np.zeros((len(lines), len(bones)))
    for weights, line in zip(W, lines, strict=True):
        for bone, weight in zip(line[9::2], line[10::2], strict=True):
            weights[int(bone)] = float(weight)
    return (
        base,
        inverse,
        [int(bone[1]) for bone in bones],
        P,
        W,
        np.array(fields(folder / "triangles.txt"), int),
    )


def hand_of(path: Path) -> tuple[Any, ...]:
    """What a data file says after the mesh: correspondences, points, and the parameters."""
    (N, _), *rest = (line.split() for line in path.read_text().splitlines() if line.strip())
    seen = np.array(rest[: int(N)], float)
    u, theta = [np.array(r, float) for r in (rest[int(N) : -26], rest[-26:])]
    return seen[:, 0].astype(int), seen[:, 1:], *([u] if len(u) else []), theta[:, 0]


def hand_case(cases: Cases, name: str) -> tuple[str, tuple[Any, ...], Any]:
    """The model, its arguments and the reference of a data file."""
    *rest, corners = mesh(cases("adbench/hand/model"))
    data = hand_of(cases(f"adbench/hand/{name}.txt"))
    model, more = ("hand", ()) if name in SIMPLE else ("hand_complicated", (corners,))
    return model, (*rest, *more, *data), np.load(cases(f"adbench/hand/{name}.ref.npz"))
