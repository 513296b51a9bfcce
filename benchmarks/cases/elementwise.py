"""Elementwise chains on large arrays, in tiles that stay in the cache; products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from contest.memory import kept
from contest.workload import MODELS, Answer, Workload

Array = Any
TILE = 8192


def elementwise15(x: Array) -> Answer:
    """Forward and back in each tile: the sum's cotangent is known beforehand."""
    n = len(x)
    gradient = np.empty(n)
    buffers = np.empty((5, min(n, TILE)))
    total = 0.0
    for start in range(0, n, TILE):
        v, d = x[start : start + TILE], gradient[start : start + TILE]
        s, e, q, log, t = buffers[:, : len(v)]
        np.multiply(v, v, out=s)
        np.tanh(v, out=t)
        np.multiply(s, -0.5, out=e)
        np.exp(e, out=e)
        np.log1p(s, out=log)
        s += 1.0
        np.sqrt(s, out=d)  # r, for a while
        np.add(d, 1.0, out=q)
        log /= q  # l / q
        total += t.dot(e) + np.add.reduce(log) - 0.3 * np.add.reduce(v)
        # ((1 - t²) - x t) e + x (2 / s - (l / q) / r) / q - 0.3, halved
        np.divide(log, d, out=log)
        np.divide(2.0, s, out=s)
        s -= log
        s /= q
        s *= v
        np.add(t, v, out=d)
        d *= t
        np.subtract(1.0, d, out=d)
        d *= e
        d += s
        d -= 0.3
        d *= 0.5
    return 0.5 * float(total), (gradient,)


def elementwise15_as_written(np: Any, x: Any) -> Any:
    f = np.tanh(x) * np.exp(-x * x / 2) + np.log1p(x * x) / (1 + np.sqrt(1 + x * x)) - 0.3 * x
    return np.sum(0.5 * f)


def elementwise15_loop(x: Array) -> Answer:
    """For Numba."""
    gradient = np.empty(len(x))
    total = 0.0
    for i in range(len(x)):
        v = x[i]
        s = v * v
        t, e, log, r = np.tanh(v), np.exp(-0.5 * s), np.log1p(s), np.sqrt(1.0 + s)
        q = 1.0 + r
        total += t * e + log / q - 0.3 * v
        gradient[i] = 0.5 * ((1.0 - t * t - v * t) * e + v * (2.0 / (1.0 + s) - log / q / r) / q - 0.3)
    return 0.5 * total, (gradient,)


def draw_vector(n: int) -> dict[str, Any]:
    return {"x": np.random.default_rng(12).normal(size=n)}


def rows(x: Array, weight: Array, gain: Array, shift: Array) -> Answer:
    n, d = x.shape
    tile = max(1, TILE // d)
    z, s, g, slope = np.empty((4, min(n, tile), d))
    ones = np.ones(min(n, tile))
    d_gain, d_shift, total = np.zeros(d), np.zeros(d), 0.0
    for start in range(0, n, tile):
        v, w = x[start : start + tile], weight[start : start + tile]
        if len(v) < len(z):
            z, s, g, slope = z[: len(v)], s[: len(v)], g[: len(v)], slope[: len(v)]
            ones = ones[: len(v)]
        np.multiply(v, gain, out=z)
        z += shift
        np.multiply(z, 0.5, out=s)  # sigmoid by tanh: one function, no overflow
        np.tanh(s, out=s)
        s *= 0.5
        s += 0.5
        np.multiply(z, s, out=z)  # silu
        np.multiply(w, z, out=g)
        total += np.vdot(g, z)
        # silu' = s + silu (1 - s)
        np.multiply(z, s, out=slope)
        np.subtract(z, slope, out=slope)
        slope += s
        g *= slope
        d_shift += ones.dot(g)
        g *= v
        d_gain += ones.dot(g)
    scale = 2.0 / (n * d)
    return float(total) / (n * d), (d_gain * scale, d_shift * scale)


def rows_as_written(np: Any, x: Any, weight: Any, gain: Any, shift: Any) -> Any:
    z = x * gain + shift
    h = z * np.sigmoid(z)
    return np.mean(weight * h * h)


def draw_rows() -> dict[str, Any]:
    rng = np.random.default_rng(13)
    x, weight = rng.normal(size=(2, 1000, 300))
    return {"x": x, "weight": weight, "gain": rng.normal(size=300), "shift": rng.normal(size=300)}


def layer_norm(x: Array, target: Array, gamma: Array, beta: Array, W: Array) -> Answer:
    n, d = x.shape
    c, normal, z, s, t, g, r, d_normal = kept("layer_norm", 8, n, d)
    mean = np.add.reduce(x, axis=1, keepdims=True)
    mean /= d
    np.subtract(x, mean, out=c)
    inverse = np.einsum("ij,ij->i", c, c)[:, None] / d
    inverse += 1e-5
    np.sqrt(inverse, out=inverse)
    np.divide(1.0, inverse, out=inverse)
    c *= inverse
    np.multiply(c, gamma, out=normal)
    normal += beta
    np.dot(normal, W, out=z)
    k = 0.7978845608028654
    np.multiply(z, z, out=s)
    np.multiply(s, 0.044715, out=t)
    t += 1.0
    t *= z
    t *= k
    np.tanh(t, out=t)
    np.add(t, 1.0, out=g)
    g *= 0.5
    np.multiply(z, g, out=r)
    r += x
    r -= target
    value = np.vdot(r, r) / r.size
    r *= 2.0 / r.size
    # gelu' = (1 + t) / 2 + z (1 - t²) k (1 + 3 · 0.044715 z²) / 2
    s *= 3 * 0.044715
    s += 1.0
    s *= 0.5 * k
    s *= z
    t *= t
    np.subtract(1.0, t, out=t)
    s *= t
    s += g
    r *= s
    d_W = normal.T.dot(r)
    np.dot(r, W.T, out=d_normal)
    ones = np.ones(n)
    d_beta = ones.dot(d_normal)
    d_normal *= c
    return float(value), (ones.dot(d_normal), d_beta, d_W)


def layer_norm_as_written(np: Any, x: Any, target: Any, gamma: Any, beta: Any, W: Any) -> Any:
    c = x - np.mean(x, axis=1, keepdims=True)
    z = (c / np.sqrt(np.mean(c * c, axis=1, keepdims=True) + 1e-5) * gamma + beta) @ W
    gelu = 0.5 * z * (1 + np.tanh(0.7978845608028654 * (z + 0.044715 * z**3)))
    return np.mean((x + gelu - target) ** 2)


def draw_layer_norm() -> dict[str, Any]:
    rng = np.random.default_rng(14)
    x, target = rng.normal(size=(2, 256, 128))
    W = rng.normal(size=(128, 128)) / 128**0.5
    return {"x": x, "target": target, "gamma": rng.normal(size=128), "beta": rng.normal(size=128), "W": W}


def chain(v: Array, target: Array, A: Array, B: Array, C: Array) -> Answer:
    a = C.dot(v)
    b = B.dot(a)
    r = A.dot(b)
    r -= target
    d_b = r.dot(A)
    d_a = d_b.dot(B)
    return 0.5 * float(r.dot(r)), (r[:, None] * b, d_b[:, None] * a, d_a[:, None] * v)


def chain_as_written(np: Any, v: Any, target: Any, A: Any, B: Any, C: Any) -> Any:
    r = A @ B @ C @ v - target
    return 0.5 * np.sum(r * r)


def draw_chain() -> dict[str, Any]:
    rng = np.random.default_rng(15)
    shapes: dict[str, Any] = {"v": 150, "target": 300, "A": (300, 200), "B": (200, 250), "C": (250, 150)}
    return {name: rng.normal(size=shape) / 15 for name, shape in shapes.items()}


def decay(W: Array) -> Answer:
    flat = W.reshape(-1)
    gradient = np.empty(len(flat))
    root = np.empty(min(len(flat), TILE))
    squares = roots = 0.0
    for start in range(0, len(flat), TILE):
        w, d = flat[start : start + TILE], gradient[start : start + TILE]
        r = root[: len(w)]
        squares += w.dot(w)
        np.multiply(w, w, out=r)
        r += 1e-6
        np.sqrt(r, out=r)
        roots += np.add.reduce(r)
        np.divide(1e-5, r, out=r)
        r += 2e-4
        np.multiply(r, w, out=d)
    return float(1e-4 * squares + 1e-5 * roots), (gradient.reshape(W.shape),)


def decay_as_written(np: Any, W: Any) -> Any:
    return 1e-4 * np.sum(W**2) + 1e-5 * np.sum(np.sqrt(W**2 + 1e-6))


def draw_decay() -> dict[str, Any]:
    return {"W": np.random.default_rng(16).normal(size=(784, 256)) / 28}


def of_elementwise(n: int, name: str, **more: Any) -> Workload:
    return Workload(
        name=name,
        title=f"15 elementwise ops on {n:,}, then sum",
        model=MODELS / "elementwise15.dsl",
        draw=lambda: draw_vector(n),
        wrt=("x",),
        best=elementwise15,
        objective=elementwise15_as_written,
        own={"numba": elementwise15_loop},
        numba=True,
        **more,
    )


WORKLOADS = (
    of_elementwise(1_000_000, "elementwise_1e6", goals={"jax": 2.8, "torch": 5, "autograd": 5}),
    of_elementwise(10_000, "elementwise_1e4"),
    Workload(
        name="rows",
        title="elementwise 1000×300, a scale and a shift by column",
        model=MODELS / "rows.dsl",
        draw=draw_rows,
        wrt=("gain", "shift"),
        best=rows,
        objective=rows_as_written,
    ),
    Workload(
        name="layer_norm",
        title="layer norm, product, GELU, 256×128",
        model=MODELS / "layer_norm.dsl",
        draw=draw_layer_norm,
        wrt=("gamma", "beta", "W"),
        best=layer_norm,
        objective=layer_norm_as_written,
    ),
    Workload(
        name="chain",
        title="matrix chain A B C v",
        model=MODELS / "chain.dsl",
        draw=draw_chain,
        wrt=("A", "B", "C"),
        best=chain,
        objective=chain_as_written,
    ),
    Workload(
        name="decay",
        title="weight decay on 784×256",
        model=MODELS / "decay.dsl",
        draw=draw_decay,
        wrt=("W",),
        best=decay,
        objective=decay_as_written,
    ),
)
