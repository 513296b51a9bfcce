"""NIST's other regressions and more functions of Moré, Garbow and Hillstrom, without code by hand.

    FITTED["Misra1b"](np, x, b1, b2)           # what is fitted to y

Data sets of the same formula differ in their numbers alone, so one of each is run.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np
from contest.workload import EXAMPLES, Workload, data

FITTED: dict[str, Callable[..., Any]] = {
    "Bennett5": lambda np, x, b1, b2, b3: b1 * (b2 + x) ** (-1 / b3),
    "Chwirut2": lambda np, x, b1, b2, b3: np.exp(-b1 * x) / (b2 + b3 * x),
    "DanWood": lambda np, x, b1, b2: b1 * x**b2,
    "Eckerle4": lambda np, x, b1, b2, b3: b1 / b2 * np.exp(-0.5 * ((x - b3) / b2) ** 2),
    "Kirby2": lambda np, x, b1, b2, b3, b4, b5: (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2),
    "Lanczos1": lambda np, x, b1, b2, b3, b4, b5, b6: (
        b1 * np.exp(-b2 * x) + b3 * np.exp(-b4 * x) + b5 * np.exp(-b6 * x)
    ),
    "MGH09": lambda np, x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
    "MGH10": lambda np, x, b1, b2, b3: b1 * np.exp(b2 / (x + b3)),
    "MGH17": lambda np, x, b1, b2, b3, b4, b5: b1 + b2 * np.exp(-x * b4) + b3 * np.exp(-x * b5),
    "Misra1b": lambda np, x, b1, b2: b1 * (1 - (1 + b2 * x / 2) ** -2),
    "Misra1c": lambda np, x, b1, b2: b1 * (1 - (1 + 2 * b2 * x) ** -0.5),
    "Misra1d": lambda np, x, b1, b2: b1 * b2 * x / (1 + b2 * x),
    "Rat42": lambda np, x, b1, b2, b3: b1 / (1 + np.exp(b2 - b3 * x)),
    "Rat43": lambda np, x, b1, b2, b3, b4: b1 / (1 + np.exp(b2 - b3 * x)) ** (1 / b4),
    "Roszman1": lambda np, x, b1, b2, b3, b4: b1 - b2 * x - np.arctan(b3 / (x - b4)) / pi,
}


def read(name: str) -> dict[str, Any]:
    """NIST's file: the starts in lines 41 to 60, of which the second is taken; the data from line 61 on."""
    lines = data(f"nist_strd/{name}.dat").read_text(encoding="ascii").splitlines()
    starts = [line.split("=")[1].split() for line in lines[40:60] if line.strip().startswith("b")]
    y, x = np.array([line.split() for line in lines[60:] if line.strip()], float).T.copy()
    return {"y": y, "x": x, **{f"b{i}": float(start[1]) for i, start in enumerate(starts, 1)}}


def of_nist(name: str, fitted: Callable[..., Any]) -> Workload:
    count = fitted.__code__.co_argcount - 2
    return Workload(
        name=f"nist_{name.lower()}",
        title=f"NIST {name}",
        model=EXAMPLES / "nist" / f"{name}.dsl",
        draw=lambda: read(name),
        wrt=tuple(f"b{i}" for i in range(1, count + 1)),
        best=None,
        objective=lambda np, y, x, *b: np.sum((y - fitted(np, x, *b)) ** 2),
    )


def rosenbrock(np: Any, x1: Any, x2: Any) -> Any:
    return (10 * (x2 - x1**2)) ** 2 + (1 - x1) ** 2


def powell(np: Any, x1: Any, x2: Any) -> Any:
    return (1e4 * x1 * x2 - 1) ** 2 + (np.exp(-x1) + np.exp(-x2) - 1.0001) ** 2


def box3d(np: Any, x1: Any, x2: Any, x3: Any) -> Any:
    t = np.asarray(TENTHS)
    return np.sum((np.exp(-t * x1) - np.exp(-t * x2) - x3 * (np.exp(-t) - np.exp(-10 * t))) ** 2)


def penalty(np: Any, x: Any) -> Any:
    return 1e-5 * np.sum((x - 1) ** 2) + (np.sum(x**2) - 0.25) ** 2


TENTHS = 0.1 * np.arange(1, 11)


def of_mgh(name: str, title: str, objective: Callable[..., Any], scalars: bool, **start: Any) -> Workload:
    return Workload(
        name=f"mgh_{name}",
        title=f"MGH {title}",
        model=EXAMPLES / "mgh" / f"{name}.dsl",
        draw=lambda: dict(start),
        wrt=tuple(start),
        best=None,
        objective=objective,
        scalars=scalars,
    )


WORKLOADS = (
    *(of_nist(name, fitted) for name, fitted in FITTED.items()),
    of_mgh("rosenbrock", "Rosenbrock", rosenbrock, True, x1=-1.2, x2=1.0),
    of_mgh("powell_badly_scaled", "Powell, badly scaled", powell, True, x1=0.1, x2=1.0),
    of_mgh("box3d", "Box, 10 points", box3d, False, x1=0.5, x2=10.0, x3=20.0),
    of_mgh("penalty1", "penalty, n = 10", penalty, False, x=np.arange(1.0, 11.0)),
)
