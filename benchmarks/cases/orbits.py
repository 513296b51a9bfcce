"""Small vectors in loops."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from contest.workload import MODELS, Answer, Workload

from .recurrent import UNROLLED

Array = Any


def orbit(target: Array, x0: Array, v0: Array, mass: float, drag: float) -> Answer:
    """On floats. What a step needs on the way back: the place before it and the speeds."""
    x, y, z = x0.tolist()
    u, v, w = v0.tolist()
    steps = []
    for _ in range(200):
        r2 = x * x + y * y + z * z + 0.01
        k = 1.0 / (r2 * sqrt(r2))
        steps.append((x, y, z, u, v, w, r2, k))
        pull = mass * k
        u -= 0.01 * (pull * x + drag * u)
        v -= 0.01 * (pull * y + drag * v)
        w -= 0.01 * (pull * z + drag * w)
        x += 0.01 * u
        y += 0.01 * v
        z += 0.01 * w
    a, b, c = target.tolist()
    p, q, s = x - a, y - b, z - c
    d_x, d_y, d_z, d_u, d_v, d_w = 2.0 * p, 2.0 * q, 2.0 * s, 0.0, 0.0, 0.0
    d_mass = d_drag = 0.0
    kept = 1.0 - 0.01 * drag
    for x, y, z, u, v, w, r2, k in reversed(steps):
        d_u += 0.01 * d_x
        d_v += 0.01 * d_y
        d_w += 0.01 * d_z
        along = x * d_u + y * d_v + z * d_w
        d_mass -= 0.01 * k * along
        d_drag -= 0.01 * (u * d_u + v * d_v + w * d_w)
        pull = 0.01 * mass * k
        turn = 3.0 * pull * along / r2
        d_x += turn * x - pull * d_u
        d_y += turn * y - pull * d_v
        d_z += turn * z - pull * d_w
        d_u *= kept
        d_v *= kept
        d_w *= kept
    return p * p + q * q + s * s, (np.array([d_x, d_y, d_z]), np.array([d_u, d_v, d_w]), d_mass, d_drag)


def orbit_as_written(np: Any, target: Any, x0: Any, v0: Any, mass: Any, drag: Any) -> Any:
    def step(state: Any, _: Any) -> Any:
        x, v = state
        r2 = np.sum(x * x) + 0.01
        v = v - 0.01 * (mass * x / (r2 * np.sqrt(r2)) + drag * v)
        return (x + 0.01 * v, v), None

    (x, _), _ = np.scan(step, (x0, v0), None, 200)
    return np.sum((x - target) ** 2)


def draw_orbit() -> dict[str, Any]:
    start, speed = np.array([1.0, 0.1, -0.2]), np.array([0.1, 0.9, 0.2])
    return {"target": np.array([-0.5, 0.6, 0.3]), "x0": start, "v0": speed, "mass": 1.0, "drag": 0.05}


WORKLOADS = (
    Workload(
        name="orbit",
        title="orbit, 200 steps of 3-vectors",
        model=MODELS / "orbit.dsl",
        draw=draw_orbit,
        wrt=("x0", "v0", "mass", "drag"),
        best=orbit,
        objective=orbit_as_written,
        without=UNROLLED,
    ),
)
