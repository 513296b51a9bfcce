"""Compile times, and emitted gradients against hand-written ones: ratios within one run.

python benchmarks/measure.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import autodiffc
import numpy as np

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def seconds(run: Callable[[], Any], batch: float = 0.05, repeats: int = 15) -> float:
    """The median over short batches of the time of one run."""
    run()
    start = time.perf_counter()
    run()
    count = max(1, int(batch / max(time.perf_counter() - start, 1e-9)))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            run()
        times.append((time.perf_counter() - start) / count)
    return median(times)


def classifier_by_hand(
    x: np.ndarray, y: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray
) -> tuple[float, tuple[np.ndarray, ...]]:
    """examples/classifier.dsl as an expert writes it for one use, without checks."""
    h = np.maximum(x @ W1 + b1, 0.0)
    z = h @ W2 + b2
    z -= z.max(axis=1, keepdims=True)
    rows = np.arange(len(y))
    picked = z[rows, y]
    p = np.exp(z)
    total = p.sum(axis=1, keepdims=True)
    p /= total
    loss = (np.log(total[:, 0]) - picked).mean()
    loss += 1e-5 * (np.abs(W1).sum() + np.abs(W2).sum()) + 1e-4 * ((W1 * W1).sum() + (W2 * W2).sum())
    p[rows, y] -= 1.0
    p /= len(y)
    d_W2 = h.T @ p + 2e-4 * W2 + 1e-5 * np.sign(W2)
    d_h = p @ W2.T
    d_h *= h > 0.0
    d_W1 = x.T @ d_h + 2e-4 * W1 + 1e-5 * np.sign(W1)
    return float(loss), (d_W1, d_h.sum(axis=0), d_W2, p.sum(axis=0))


def logistic_by_hand(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
    """examples/logistic.dsl by hand, in its stable form."""
    m = -y * (x @ w)
    u = np.exp(-np.abs(m))
    loss = 0.5 * (w @ w) + 0.5 * (np.maximum(m, 0.0) + np.log1p(u)).sum()
    return float(loss), w - 0.5 * (x.T @ (y * np.where(m >= 0, 1.0, u) / (1.0 + u)))


def trig_by_hand(x1: float, x2: float) -> tuple[float, tuple[float, float]]:
    """examples/trig.dsl by hand, without a thought for the edges."""
    import math

    return math.log(x1) + x1 * x2 - math.sin(x2), (1.0 / x1 + x2, x1 - math.cos(x2))


def workloads() -> list[tuple[str, str, Callable[..., Any], tuple[Any, ...]]]:
    rng = np.random.default_rng(0)

    def net(n: int, d: int, h: int) -> tuple[Any, ...]:
        x, y = rng.normal(size=(n, d)), rng.integers(0, 10, n)
        W1, W2 = rng.normal(size=(d, h)) / d**0.5, rng.normal(size=(h, 10)) / h**0.5
        return x, y, W1, np.zeros(h), W2, np.zeros(10)

    x = rng.normal(size=(1000, 50))
    logistic = (x, np.sign(rng.normal(size=1000)), rng.normal(size=50))
    return [
        ("trig, scalars", "trig", trig_by_hand, (2.0, 5.0)),
        ("logistic 1000x50", "logistic", logistic_by_hand, logistic),
        ("classifier 16x4-8-10", "classifier", classifier_by_hand, net(16, 4, 8)),
        ("classifier 64x64-64-10", "classifier", classifier_by_hand, net(64, 64, 64)),
        ("classifier 512x784-256-10", "classifier", classifier_by_hand, net(512, 784, 256)),
    ]


def emitted() -> None:
    print(f"{'value_and_grad':<28}{'by hand':>12}" + "".join(f"{f'-O{level}':>9}" for level in (0, 1, 2)))
    for title, name, by_hand, arguments in workloads():
        modules = [autodiffc.load(EXAMPLES / f"{name}.dsl", level=level) for level in (0, 1, 2)]
        value = by_hand(*arguments)[0]
        for module in modules:
            assert abs(module.value_and_grad(*arguments)[0] - value) <= 1e-12 * abs(value)
        base = seconds(lambda f=by_hand, a=arguments: f(*a))
        ratios = [seconds(lambda m=m, a=arguments: m.value_and_grad(*a)) / base for m in modules]
        print(f"{title:<28}{base * 1e6:>9.1f} µs" + "".join(f"{f'×{r:.2f}':>9}" for r in ratios))


def products() -> None:
    """What a Hessian times a vector costs, in gradients. That of k-means with ones is its whole Hessian."""
    rng = np.random.default_rng(1)
    points, centres = rng.normal(size=(20_000, 8)), rng.normal(size=(10, 8))
    x, y = rng.normal(size=(512, 64)), rng.integers(0, 10, 512)
    weights = (rng.normal(size=(64, 64)) / 8, np.zeros(64), rng.normal(size=(64, 10)) / 8, np.zeros(10))
    places = tuple(rng.uniform(size=(2, 500)))
    pinn = autodiffc.load(EXAMPLES / "pinn_burgers.dsl", emit=["hvp"])
    cases = [
        ("k-means 20000x8, 10", "kmeans", (points,), (centres,)),
        ("classifier 512x64-64-10", "classifier", (x, y), weights),
        ("Burgers' network 500, 16", "pinn_burgers", (*places, 0.1), tuple(pinn.init_params(0, H=16))),
    ]
    print(f"\n{'hvp, in gradients':<28}{'gradient':>12}{'hvp':>9}")
    for title, name, inputs, params in cases:
        m = autodiffc.load(EXAMPLES / f"{name}.dsl", emit=["hvp"])
        along = tuple(np.ones_like(p) for p in params)
        base = seconds(lambda m=m, i=inputs, p=params: m.grad(*i, *p))
        ratio = seconds(lambda m=m, i=inputs, p=params, v=along: m.hvp(*i, *p, *v)) / base
        print(f"{title:<28}{base * 1e6:>9.1f} µs{f'×{ratio:.2f}':>9}")


def compilation() -> None:
    command = [sys.executable, "-m", "autodiffc", str(EXAMPLES / "classifier.dsl")]
    cold = seconds(lambda: subprocess.run(command, check=True, capture_output=True), repeats=5)
    print(f"\nthe command on classifier.dsl: {cold:.2f} s")
    for count in (300, 1_000, 3_000, 10_000):
        steps = "".join(f"x{i} = sin(x{i - 1}) * 1.01 + x{max(0, i - 7)}\n" for i in range(1, count // 3 + 1))
        source = f"input x0: real\n{steps}output f = x{count // 3}\ngrad f wrt x0\n"
        start = time.perf_counter()
        text = autodiffc.compile(source)
        print(f"{count:>7} ops: {time.perf_counter() - start:6.2f} s, {len(text):>9,} characters")


if __name__ == "__main__":
    emitted()
    products()
    compilation()
