"""Linear predictors with a likelihood; words looked up in a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from contest.workload import EXAMPLES, MODELS, Answer, Limit, Workload

from .networks import softmax_cross_entropy

Array = Any


def logistic(x: Array, y: Array, w: Array) -> Answer:
    """Labels ±1. With u = exp(-|m|), log(1 + exp(-m)) = log1p(u) - min(m, 0), with the slope
    -exp(-max(m, 0)) / (1 + u): a second exponential is quicker than a choice."""
    m = x.dot(w)
    m *= y
    low = np.minimum(m, 0.0)
    high = np.maximum(m, 0.0, out=m)
    u = low - high
    np.exp(u, out=u)
    np.negative(high, out=high)
    slope = np.exp(high, out=high)
    np.subtract(np.log1p(u), low, out=low)
    value = 0.5 * w.dot(w) + 0.5 * np.add.reduce(low)
    u += 1.0
    slope /= u
    slope *= y
    d_w = slope.dot(x)
    d_w *= -0.5
    d_w += w
    return float(value), (d_w,)


def gemvs(x: Array, y: Array, w: Array) -> None:
    x.dot(w)
    y.dot(x)


def logistic_as_written(np: Any, x: Any, y: Any, w: Any) -> Any:
    return np.sum(w**2) / 2 + 0.5 * np.sum(np.softplus(-y * (x @ w)))


def draw_logistic(n: int, d: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(4)
        x = rng.normal(size=(n, d))
        return {"x": x, "y": np.sign(rng.normal(size=n)), "w": rng.normal(size=d) / d**0.5}

    return draw


def logistic01(x: Array, y: Array, w: Array, b: float) -> Answer:
    n = len(y)
    z = x.dot(w)
    z += b
    u = np.abs(z)
    np.negative(u, out=u)
    np.exp(u, out=u)
    value = np.add.reduce(np.log1p(u)) + np.add.reduce(np.maximum(z, 0.0)) - y.dot(z)
    d_z = np.where(z >= 0.0, 1.0, u)
    u += 1.0
    d_z /= u
    d_z -= y
    d_z *= 1.0 / n
    return float(value) / n, (d_z.dot(x), float(np.add.reduce(d_z)))


def logistic01_as_written(np: Any, x: Any, y: Any, w: Any, b: Any) -> Any:
    z = x @ w + b
    return np.mean(np.softplus(z) - y * z)


def draw_logistic01(n: int, d: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(5)
        y = (rng.uniform(size=n) < 0.4).astype(float)
        return {"x": rng.normal(size=(n, d)), "y": y, "w": rng.normal(size=d) / d**0.5, "b": 0.1}

    return draw


def poisson(x: Array, counts: Array, w: Array, b: float) -> Answer:
    n = len(counts)
    z = x.dot(w)
    z += b
    u = np.abs(z)
    np.negative(u, out=u)
    np.exp(u, out=u)
    rate = np.log1p(u)
    rate += np.maximum(z, 0.0)
    value = np.add.reduce(rate) - counts.dot(np.log(rate))
    d_z = np.where(z >= 0.0, 1.0, u)
    u += 1.0
    d_z /= u
    share = counts / rate
    np.subtract(1.0, share, out=share)
    d_z *= share
    d_z *= 1.0 / n
    return float(value) / n, (d_z.dot(x), float(np.add.reduce(d_z)))


def poisson_as_written(np: Any, x: Any, counts: Any, w: Any, b: Any) -> Any:
    rate = np.softplus(x @ w + b)
    return np.mean(rate - counts * np.log(rate))


def draw_poisson(n: int, d: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(6)
        counts = rng.poisson(2.0, n).astype(float)
        return {"x": rng.normal(size=(n, d)), "counts": counts, "w": rng.normal(size=d) / d**0.5, "b": 1.0}

    return draw


def softmax_regression(x: Array, y: Array, W: Array, b: Array) -> Answer:
    z = x.dot(W)
    z += b
    value, t = softmax_cross_entropy(z, y)
    d_W = t.dot(x).T
    d_W += 2e-3 * W
    return value + 1e-3 * float(np.vdot(W, W)), (d_W, np.add.reduce(t, axis=1))


def softmax_regression_as_written(np: Any, x: Any, y: Any, W: Any, b: Any) -> Any:
    return np.mean(np.cross_entropy(x @ W + b, y)) + 1e-3 * np.sum(W**2)


def draw_softmax(n: int, d: int, k: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(7)
        W = rng.normal(size=(d, k)) / d**0.5
        return {"x": rng.normal(size=(n, d)), "y": rng.integers(0, k, n), "W": W, "b": rng.normal(size=k)}

    return draw


def embedding(words: Array, y: Array, E: Array, W: Array, b: Array) -> Answer:
    """The adjoint of a gather adds element by element: `add.at` is quick on flat arrays alone."""
    t = words.shape[1]
    sentence = np.add.reduce(E.take(words, axis=0), axis=1)
    sentence *= 1.0 / t
    z = sentence.dot(W)
    z += b
    value, p = softmax_cross_entropy(z, y)
    d_sentence = p.T.dot(W.T)
    d_sentence *= 1.0 / t
    width = E.shape[1]
    d_E = np.zeros_like(E)
    places = words.reshape(-1, 1) * width + np.arange(width)
    np.add.at(d_E.reshape(-1), places.reshape(-1), d_sentence.repeat(t, axis=0).reshape(-1))
    return value, (d_E, p.dot(sentence).T, np.add.reduce(p, axis=1))


def embedding_as_written(np: Any, words: Any, y: Any, E: Any, W: Any, b: Any) -> Any:
    return np.mean(np.cross_entropy(np.mean(E[words], axis=1) @ W + b, y))


def draw_embedding() -> dict[str, Any]:
    rng = np.random.default_rng(8)
    words, y = rng.integers(0, 5000, (64, 20)), rng.integers(0, 5, 64)
    return {
        "words": words, "y": y,
        "E": rng.normal(size=(5000, 50)), "W": rng.normal(size=(50, 5)), "b": np.zeros(5),
    }  # fmt: skip


def of_logistic(n: int, d: int, **more: Any) -> Workload:
    return Workload(
        name=f"logistic_{n}x{d}",
        title=f"logistic regression {n}×{d}",
        model=EXAMPLES / "logistic.dsl",
        draw=draw_logistic(n, d),
        wrt=("w",),
        best=logistic,
        objective=logistic_as_written,
        limit=Limit("two GEMVs", 1.6, gemvs),
        **more,
    )


WORKLOADS = (
    of_logistic(1000, 50, goals={"jax": 2, "torch": 4, "autograd": 11}),
    of_logistic(100, 10),
    of_logistic(20000, 100),
    Workload(
        name="logistic01",
        title="logistic regression, labels 0 and 1, 2000×30",
        model=MODELS / "logistic01.dsl",
        draw=draw_logistic01(2000, 30),
        wrt=("w", "b"),
        best=logistic01,
        objective=logistic01_as_written,
    ),
    Workload(
        name="poisson",
        title="Poisson regression 5000×20",
        model=MODELS / "poisson.dsl",
        draw=draw_poisson(5000, 20),
        wrt=("w", "b"),
        best=poisson,
        objective=poisson_as_written,
    ),
    Workload(
        name="softmax_regression",
        title="softmax regression 1797×64, 10 classes",
        model=MODELS / "softmax_regression.dsl",
        draw=draw_softmax(1797, 64, 10),
        wrt=("W", "b"),
        best=softmax_regression,
        objective=softmax_regression_as_written,
    ),
    Workload(
        name="embedding",
        title="embedding 5000×50, 64 sentences of 20 words",
        model=MODELS / "embedding.dsl",
        draw=draw_embedding,
        wrt=("E", "W", "b"),
        best=embedding,
        objective=embedding_as_written,
    ),
)
