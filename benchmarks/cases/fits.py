"""Least squares: some of NIST's regressions, and two of Moré, Garbow and Hillstrom's functions of vectors."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from contest.workload import EXAMPLES, Answer, Workload

from .formulas import read

Array = Any


def misra(y: Array, x: Array, b1: float, b2: float) -> Answer:
    e = x * -b2
    np.exp(e, out=e)
    shape = np.expm1(x * -b2)
    np.negative(shape, out=shape)
    r = shape * b1
    r -= y
    return float(r.dot(r)), (2.0 * float(r.dot(shape)), 2.0 * b1 * float((r * e).dot(x)))


def hahn(
    y: Array, x: Array, b1: float, b2: float, b3: float, b4: float, b5: float, b6: float, b7: float
) -> Answer:
    """The powers in one matrix: numerator, denominator and all slopes are products with it."""
    P = np.empty((4, len(x)))
    P[0] = 1.0
    P[1] = x
    np.multiply(x, x, out=P[2])
    np.multiply(P[2], x, out=P[3])
    q = np.array([1.0, b5, b6, b7]).dot(P)
    fitted = np.array([b1, b2, b3, b4]).dot(P)
    fitted /= q
    r = fitted - y
    value = r.dot(r)
    r /= q
    up = P.dot(r)
    r *= fitted
    down = P.dot(r)
    up *= 2.0
    down *= -2.0
    return float(value), (*up.tolist(), *down[1:].tolist())


def hahn_as_written(
    np: Any, y: Any, x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any
) -> Any:
    fitted = (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)
    return np.sum((y - fitted) ** 2)


def gauss(
    y: Array, x: Array, b1: float, b2: float, b3: float, b4: float, b5: float, b6: float, b7: float, b8: float
) -> Answer:
    decay = np.exp(x * -b2)
    u, v = x - b4, x - b7
    u /= b5
    v /= b8
    u2, v2 = u * u, v * v
    p, q = np.exp(-u2), np.exp(-v2)
    r = b1 * decay
    r += b3 * p
    r += b6 * q
    r -= y
    value = r.dot(r)
    r *= 2.0
    decay *= r
    p *= r
    q *= r
    return float(value), (
        float(np.add.reduce(decay)), -b1 * float(decay.dot(x)),
        float(np.add.reduce(p)), 2.0 * b3 / b5 * float(p.dot(u)), 2.0 * b3 / b5 * float(p.dot(u2)),
        float(np.add.reduce(q)), 2.0 * b6 / b8 * float(q.dot(v)), 2.0 * b6 / b8 * float(q.dot(v2)),
    )  # fmt: skip


def gauss_as_written(
    np: Any, y: Any, x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any
) -> Any:
    fitted = (
        b1 * np.exp(-b2 * x) + b3 * np.exp(-((x - b4) ** 2) / b5**2) + b6 * np.exp(-((x - b7) ** 2) / b8**2)
    )
    return np.sum((y - fitted) ** 2)


def enso(
    y: Array, x: Array, b1: float, b2: float, b3: float, b4: float, b5: float, b6: float,
    b7: float, b8: float, b9: float,
) -> Answer:  # fmt: skip
    turn = 2.0 * pi * x
    angles = np.array([[1 / 12.0], [1.0 / b4], [1.0 / b7]]) * turn
    waves = np.concatenate((np.cos(angles), np.sin(angles)))
    r = np.array([b2, b5, b8, b3, b6, b9]).dot(waves)
    r += b1
    r -= y
    value = r.dot(r)
    r *= 2.0
    d2, d5, d8, d3, d6, d9 = waves.dot(r).tolist()
    rt = r * turn
    _, c4, c7, _, s4, s7 = waves.dot(rt).tolist()
    return float(value), (
        float(np.add.reduce(r)), d2, d3, (b5 * s4 - b6 * c4) / (b4 * b4), d5, d6,
        (b8 * s7 - b9 * c7) / (b7 * b7), d8, d9,
    )  # fmt: skip


def enso_as_written(
    np: Any, y: Any, x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any, b9: Any
) -> Any:
    annual = b2 * np.cos(2 * pi * x / 12) + b3 * np.sin(2 * pi * x / 12)
    slow = b5 * np.cos(2 * pi * x / b4) + b6 * np.sin(2 * pi * x / b4)
    slower = b8 * np.cos(2 * pi * x / b7) + b9 * np.sin(2 * pi * x / b7)
    return np.sum((y - b1 - annual - slow - slower) ** 2)


def misra_as_written(np: Any, y: Any, x: Any, b1: Any, b2: Any) -> Any:
    return np.sum((y - b1 * (1 - np.exp(-b2 * x))) ** 2)


def of_nist(name: str, best: Any, objective: Any) -> Workload:
    return Workload(
        name=f"nist_{name.lower()}",
        title=f"NIST {name}",
        model=EXAMPLES / "nist" / f"{name}.dsl",
        draw=lambda: read(name),
        wrt=tuple(f"b{i}" for i in range(1, best.__code__.co_argcount - 1)),
        best=best,
        objective=objective,
    )


def broyden(x: Array) -> Answer:
    r = x * -2.0
    r += 3.0
    slope = r - 2.0 * x
    r *= x
    r += 1.0
    r[1:] -= x[:-1]
    r[:-1] -= 2.0 * x[1:]
    value = r.dot(r)
    r *= 2.0
    slope *= r
    slope[:-1] -= r[1:]
    slope[1:] -= 2.0 * r[:-1]
    return float(value), (slope,)


def broyden_as_written(np: Any, x: Any) -> Any:
    nothing = 0 * x[:1]
    before, after = np.concatenate((nothing, x[:-1])), np.concatenate((x[1:], nothing))
    r = (3 - 2 * x) * x - before - 2 * after + 1
    return np.sum(r**2)


_T = np.arange(1, 30) / 29.0
_POWERS = _T[:, None] ** np.arange(9)
_SLOPES = np.zeros((29, 9))
_SLOPES[:, 1:] = _POWERS[:, :-1] * np.arange(1, 9)


def watson(x: Array) -> Answer:
    p = _POWERS.dot(x)
    r = _SLOPES.dot(x)
    r -= p * p
    r -= 1.0
    d_x = r.dot(_SLOPES)
    value = r.dot(r)
    r *= p
    r *= -2.0
    d_x += r.dot(_POWERS)
    d_x *= 2.0
    a, b = x[0].item(), x[1].item()
    c = b - a * a - 1.0
    d_x[0] += 2.0 * a - 4.0 * a * c
    d_x[1] += 2.0 * c
    return float(value) + a * a + c * c, (d_x,)


def watson_as_written(np: Any, x: Any) -> Any:
    p, slope = np.asarray(_POWERS) @ x, np.asarray(_SLOPES) @ x
    return np.sum((slope - p**2 - 1) ** 2) + x[0] ** 2 + (x[1] - x[0] ** 2 - 1) ** 2


WORKLOADS = (
    of_nist("Misra1a", misra, misra_as_written),
    of_nist("Hahn1", hahn, hahn_as_written),
    of_nist("Gauss1", gauss, gauss_as_written),
    of_nist("ENSO", enso, enso_as_written),
    Workload(
        name="mgh_broyden",
        title="MGH Broyden tridiagonal, n = 100",
        model=EXAMPLES / "mgh" / "broyden_tridiagonal.dsl",
        draw=lambda: {"x": np.random.default_rng(20).normal(size=100)},
        wrt=("x",),
        best=broyden,
        objective=broyden_as_written,
    ),
    Workload(
        name="mgh_watson",
        title="MGH Watson, n = 9",
        model=EXAMPLES / "mgh" / "watson.dsl",
        draw=lambda: {"x": np.random.default_rng(21).normal(size=9) / 3},
        wrt=("x",),
        best=watson,
        objective=watson_as_written,
        dims={"n": 9},
    ),
)
