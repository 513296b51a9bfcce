"""Networks: perceptrons, a convolution, an attention head."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import exp
from struct import Struct
from typing import Any

import numpy as np
from contest.memory import kept
from contest.workload import EXAMPLES, MODELS, Answer, Limit, Workload

Array = Any


def softmax_cross_entropy(z: Array, y: Array) -> tuple[float, Array]:
    """The mean, and its derivative by the logits, which are overwritten. The classes are few: their rows are
    long if they come first, so the transpose is worked on."""
    n = len(y)
    t = np.ascontiguousarray(z.T)
    columns = np.arange(n)
    t -= np.maximum.reduce(t, axis=0)
    picked = t[y, columns]
    np.exp(t, out=t)
    total = np.add.reduce(t, axis=0)
    value = (np.add.reduce(np.log(total)) - np.add.reduce(picked)) / n
    t /= total * n
    t[y, columns] -= 1.0 / n
    return float(value), t


def mlp2(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Answer:
    h = x.dot(W1)
    h += b1
    np.maximum(h, 0.0, out=h)
    z = h.dot(W2)
    z += b2
    value, t = softmax_cross_entropy(z, y)
    d_h = t.T.dot(W2.T)
    d_h *= h > 0.0
    return value, (x.T.dot(d_h), np.add.reduce(d_h, axis=0), t.dot(h).T, np.add.reduce(t, axis=1))


def mlp3(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array, W3: Array, b3: Array) -> Answer:
    n = len(y)
    ones = np.ones(n)
    h1 = np.dot(x, W1, out=kept("mlp.h1", n, len(b1)))
    h1 += b1
    np.maximum(h1, 0.0, out=h1)
    h2 = np.dot(h1, W2, out=kept("mlp.h2", n, len(b2)))
    h2 += b2
    np.maximum(h2, 0.0, out=h2)
    z = h2.dot(W3)
    z += b3
    value, t = softmax_cross_entropy(z, y)
    d_W3 = t.dot(h2).T
    d_h2 = np.dot(t.T, W3.T, out=kept("mlp.d_h2", n, len(b2)))
    d_h2 *= h2 > 0.0
    d_W2 = h1.T.dot(d_h2)
    d_h1 = np.dot(d_h2, W2.T, out=kept("mlp.d_h1", n, len(b1)))
    d_h1 *= h1 > 0.0
    d_W1 = x.T.dot(d_h1)
    return value, (d_W1, ones.dot(d_h1), d_W2, ones.dot(d_h2), d_W3, np.add.reduce(t, axis=1))


def mlp3_products(
    x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array, W3: Array, b3: Array
) -> None:
    h1 = x.dot(W1)
    h2 = h1.dot(W2)
    z = h2.dot(W3)
    h2.T.dot(z)
    z.dot(W3.T)
    h1.T.dot(h2)
    h2.dot(W2.T)
    x.T.dot(h1)


def mlp_as_written(np: Any, x: Any, y: Any, *weights: Any) -> Any:
    *hidden, (W, b) = zip(weights[::2], weights[1::2])
    for W_i, b_i in hidden:
        x = np.relu(x @ W_i + b_i)
    return np.mean(np.cross_entropy(x @ W + b, y))


def draw_mlp(n: int, *sizes: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(0)
        values: dict[str, Any] = {"x": rng.normal(size=(n, sizes[0])), "y": rng.integers(0, sizes[-1], n)}
        for i, (a, b) in enumerate(pairwise(sizes), 1):
            values |= {f"W{i}": rng.normal(size=(a, b)) / a**0.5, f"b{i}": 0.1 * rng.normal(size=b)}
        return values

    return draw


def expit(x: float) -> float:
    """Where exp(-x) overflows, 0 is right."""
    try:
        return 1.0 / (1.0 + exp(-x))
    except OverflowError:
        return 0.0


# Into an array's memory at once: quicker than np.array of a list.
TWO, FOUR, EIGHT, TWELVE = (Struct(f"{n}d").pack_into for n in (2, 4, 8, 12))


def sigmoid_batch1(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Answer:
    """3-4-2, on floats."""
    x0, x1, x2 = x.tolist()
    y0, y1 = y.tolist()
    (a0, a1, a2, a3), (c0, c1, c2, c3), (e0, e1, e2, e3) = W1.tolist()
    p0, p1, p2, p3 = b1.tolist()
    (v00, v01), (v10, v11), (v20, v21), (v30, v31) = W2.tolist()
    q0, q1 = b2.tolist()
    h0 = expit(x0 * a0 + x1 * c0 + x2 * e0 + p0)
    h1 = expit(x0 * a1 + x1 * c1 + x2 * e1 + p1)
    h2 = expit(x0 * a2 + x1 * c2 + x2 * e2 + p2)
    h3 = expit(x0 * a3 + x1 * c3 + x2 * e3 + p3)
    s0 = expit(h0 * v00 + h1 * v10 + h2 * v20 + h3 * v30 + q0)
    s1 = expit(h0 * v01 + h1 * v11 + h2 * v21 + h3 * v31 + q1)
    r0, r1 = s0 - y0, s1 - y1
    d0, d1 = r0 * s0 * (1.0 - s0), r1 * s1 * (1.0 - s1)
    g0 = (d0 * v00 + d1 * v01) * h0 * (1.0 - h0)
    g1 = (d0 * v10 + d1 * v11) * h1 * (1.0 - h1)
    g2 = (d0 * v20 + d1 * v21) * h2 * (1.0 - h2)
    g3 = (d0 * v30 + d1 * v31) * h3 * (1.0 - h3)
    d_W1, d_b1, d_W2, d_b2 = np.empty((3, 4)), np.empty(4), np.empty((4, 2)), np.empty(2)
    TWELVE(d_W1, 0, x0 * g0, x0 * g1, x0 * g2, x0 * g3, x1 * g0, x1 * g1, x1 * g2, x1 * g3,
           x2 * g0, x2 * g1, x2 * g2, x2 * g3)  # fmt: skip
    FOUR(d_b1, 0, g0, g1, g2, g3)
    EIGHT(d_W2, 0, h0 * d0, h0 * d1, h1 * d0, h1 * d1, h2 * d0, h2 * d1, h3 * d0, h3 * d1)
    TWO(d_b2, 0, d0, d1)
    return 0.5 * (r0 * r0 + r1 * r1), (d_W1, d_b1, d_W2, d_b2)


def sigmoid_as_written(np: Any, x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    error = y - np.sigmoid(np.sigmoid(x @ W1 + b1) @ W2 + b2)
    return np.sum(error * error) / 2


def draw_sigmoid() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    shapes: dict[str, Any] = {"x": 3, "y": 2, "W1": (3, 4), "b1": 4, "W2": (4, 2), "b2": 2}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def cnn(x: Array, y: Array, K1: Array, b1: Array, K2: Array, b2: Array, W: Array, b: Array) -> Answer:
    """Channels last; each convolution is one product of its patches with its weights."""
    n, side = len(x), x.shape[2]
    o1, o2, half = len(b1), len(b2), x.shape[2] // 2
    padded = kept("cnn.x", n, side + 2, side + 2)
    padded.fill(0.0)
    padded[:, 1:-1, 1:-1] = x[:, 0]
    s0, s1, s2 = padded.strides
    view = np.lib.stride_tricks.as_strided(padded, (n, side, side, 3, 3), (s0, s1, s2, s1, s2))
    patches1 = kept("cnn.patches1", n * side * side, 9)
    np.copyto(patches1.reshape(view.shape), view)
    h1 = np.dot(patches1, K1.reshape(o1, 9).T, out=kept("cnn.h1", len(patches1), o1))
    h1 += b1
    np.maximum(h1, 0.0, out=h1)
    padded = kept("cnn.h1 padded", n, side + 2, side + 2, o1)
    padded.fill(0.0)
    padded[:, 1:-1, 1:-1] = h1.reshape(n, side, side, o1)
    s0, s1, s2, s3 = padded.strides
    view = np.lib.stride_tricks.as_strided(padded, (n, side, side, 3, 3, o1), (s0, s1, s2, s1, s2, s3))
    patches2 = kept("cnn.patches2", n * side * side, 9 * o1)
    np.copyto(patches2.reshape(view.shape), view)
    K = K2.transpose(2, 3, 1, 0).reshape(9 * o1, o2)
    h2 = np.dot(patches2, K, out=kept("cnn.h2", len(patches2), o2))
    h2 += b2
    np.maximum(h2, 0.0, out=h2)
    cells = h2.reshape(n, half, 2, half, 2, o2)
    top, low = (
        np.maximum(cells[:, :, 0, :, 0], cells[:, :, 0, :, 1]),
        np.maximum(cells[:, :, 1, :, 0], cells[:, :, 1, :, 1]),
    )
    pooled = np.maximum(top, low)
    features = pooled.transpose(0, 3, 1, 2).reshape(n, -1)
    z = features.dot(W)
    z += b
    value, t = softmax_cross_entropy(z, y)
    d_W, d_b = t.dot(features).T, np.add.reduce(t, axis=1)
    d_pooled = np.ascontiguousarray(t.T.dot(W.T).reshape(n, o2, half, half).transpose(0, 2, 3, 1))
    d_pooled *= pooled > 0.0
    d_h2 = kept("cnn.d_h2", *cells.shape)
    taken = np.zeros(pooled.shape, bool)
    for i in (0, 1):
        for j in (0, 1):
            first = cells[:, :, i, :, j] == pooled
            first &= ~taken
            taken |= first
            np.multiply(d_pooled, first, out=d_h2[:, :, i, :, j])
    d_h2 = d_h2.reshape(-1, o2)
    d_K2 = patches2.T.dot(d_h2).reshape(3, 3, o1, o2).transpose(3, 2, 0, 1)
    d_b2 = np.ones(len(d_h2)).dot(d_h2)
    d_patches = np.dot(d_h2, K.T, out=kept("cnn.d_patches", len(d_h2), 9 * o1)).reshape(
        n, side, side, 3, 3, o1
    )
    d_padded = kept("cnn.d_padded", n, side + 2, side + 2, o1)
    d_padded.fill(0.0)
    for i in range(3):
        for j in range(3):
            d_padded[:, i : i + side, j : j + side] += d_patches[:, :, :, i, j]
    d_h1 = d_padded[:, 1:-1, 1:-1].reshape(-1, o1)
    d_h1 *= h1 > 0.0
    d_K1 = patches1.T.dot(d_h1).T.reshape(o1, 1, 3, 3)
    return value, (d_K1, np.ones(len(d_h1)).dot(d_h1), d_K2, d_b2, d_W, d_b)


def cnn_as_written(np: Any, x: Any, y: Any, K1: Any, b1: Any, K2: Any, b2: Any, W: Any, b: Any) -> Any:
    h = np.relu(np.conv2d(x, K1, b1, 1, 1))
    h = np.max_pool2d(np.relu(np.conv2d(h, K2, b2, 1, 1)), 2)
    return np.mean(np.cross_entropy(h.reshape(len(x), -1) @ W + b, y))


def draw_cnn() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    return {
        "x": rng.normal(size=(64, 1, 16, 16)), "y": rng.integers(0, 10, 64),
        "K1": rng.normal(size=(8, 1, 3, 3)) / 3, "b1": 0.1 * rng.normal(size=8),
        "K2": rng.normal(size=(16, 8, 3, 3)) / 8, "b2": 0.1 * rng.normal(size=16),
        "W": rng.normal(size=(1024, 10)) / 32, "b": 0.1 * rng.normal(size=10),
    }  # fmt: skip


def attention(x: Array, target: Array, Q: Array, K: Array, V: Array) -> Answer:
    """The three projections are one product."""
    d = Q.shape[1]
    scale = d**-0.5
    QKV = np.concatenate((Q, K, V), axis=1)
    qkv = x.dot(QKV)
    q, k, v = qkv[:, :d], qkv[:, d : 2 * d], qkv[:, 2 * d :]
    p = q.dot(k.T)
    p *= scale
    p -= np.maximum.reduce(p, axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= np.add.reduce(p, axis=1, keepdims=True)
    r = p.dot(v)
    r -= target
    value = np.vdot(r, r) / r.size
    r *= 2.0 / r.size
    d_qkv = np.empty_like(qkv)
    d_p = r.dot(v.T)
    d_qkv[:, 2 * d :] = p.T.dot(r)
    d_p -= np.einsum("ij,ij->i", d_p, p)[:, None]
    d_p *= p
    d_p *= scale
    d_qkv[:, :d] = d_p.dot(k)
    d_qkv[:, d : 2 * d] = d_p.T.dot(q)
    d_QKV = x.T.dot(d_qkv)
    return float(value), (d_QKV[:, :d], d_QKV[:, d : 2 * d], d_QKV[:, 2 * d :])


def attention_as_written(np: Any, x: Any, target: Any, Q: Any, K: Any, V: Any) -> Any:
    q, k, v = x @ Q, x @ K, x @ V
    return np.mean((np.softmax(q @ k.T / q.shape[1] ** 0.5) @ v - target) ** 2)


def draw_attention(n: int, width: int, d: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(3)
        weights = {name: rng.normal(size=(width, d)) / width**0.5 for name in "QKV"}
        return {"x": rng.normal(size=(n, width)), "target": rng.normal(size=(n, d)), **weights}

    return draw


LAYERS2, LAYERS3 = ("W1", "b1", "W2", "b2"), ("W1", "b1", "W2", "b2", "W3", "b3")
WORKLOADS = (
    Workload(
        name="mlp_small",
        title="MLP 4-8-3, batch 16",
        model=MODELS / "mlp2.dsl",
        draw=draw_mlp(16, 4, 8, 3),
        wrt=LAYERS2,
        best=mlp2,
        objective=mlp_as_written,
        goals={"jax": 2, "torch": 5, "autograd": 28},
    ),
    Workload(
        name="sigmoid_batch1",
        title="2-layer sigmoid, batch 1, 3-4-2",
        model=EXAMPLES / "mlp.dsl",
        draw=draw_sigmoid,
        wrt=LAYERS2,
        best=sigmoid_batch1,
        objective=sigmoid_as_written,
        goals={"jax": 4, "torch": 15},
        dims={"D": 3, "H": 4, "K": 2},
    ),
    Workload(
        name="sigmoid_dims",
        title="2-layer sigmoid, dims at run time",
        model=EXAMPLES / "mlp.dsl",
        draw=draw_sigmoid,
        wrt=LAYERS2,
        best=sigmoid_batch1,
        objective=sigmoid_as_written,
    ),
    Workload(
        name="mlp_64",
        title="MLP 784-256-128-10, batch 64",
        model=MODELS / "mlp3.dsl",
        draw=draw_mlp(64, 784, 256, 128, 10),
        wrt=LAYERS3,
        best=mlp3,
        objective=mlp_as_written,
        goals={"jax": 1.1, "torch": 1.2, "autograd": 2.5},
        limit=Limit("its GEMMs", 1.35, mlp3_products),
    ),
    Workload(
        name="mlp_512",
        title="MLP 784-256-128-10, batch 512",
        model=MODELS / "mlp3.dsl",
        draw=draw_mlp(512, 784, 256, 128, 10),
        wrt=LAYERS3,
        best=mlp3,
        objective=mlp_as_written,
        goals={"jax": 1.2, "torch": 0.9, "autograd": 1.5},
        limit=Limit("its GEMMs", 1.15, mlp3_products),
    ),
    Workload(
        name="cnn",
        title="convolutions 16×16, 8 and 16 channels, batch 64",
        model=MODELS / "cnn.dsl",
        draw=draw_cnn,
        wrt=("K1", "b1", "K2", "b2", "W", "b"),
        best=cnn,
        objective=cnn_as_written,
        without={"autograd": "its convolution is too slow to be used"},
    ),
    Workload(
        name="attention",
        title="attention head, 64 × 32",
        model=MODELS / "attention.dsl",
        draw=draw_attention(64, 32, 32),
        wrt=("Q", "K", "V"),
        best=attention,
        objective=attention_as_written,
    ),
)
