"""Recurrent networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from contest.memory import kept
from contest.workload import MODELS, Answer, Limit, Workload

from .networks import softmax_cross_entropy

Array = Any


def in_columns(name: str, steps: Array) -> Array:
    """[T, K, B] as [K, T*B], for one product over all steps."""
    T, K, B = steps.shape
    columns = kept(name, K, T * B)
    np.copyto(columns.reshape(K, T, B), steps.swapaxes(0, 1))
    return columns


def lstm(x: Array, target: Array, W: Array, U: Array, b: Array, V: Array) -> Answer:
    """Gates first and the batch last: a gate is one block. With sigmoid(z) = (1 + tanh(z / 2)) / 2 all gates
    of a step are one tanh. Its input, a row of ones and the state stand together: one product for all."""
    T, B, D = x.shape
    H = len(U)
    half = np.full(4 * H, 0.5)
    half[2 * H : 3 * H] = 1.0
    A = np.concatenate((W, b[None], U))
    A *= half
    A_t = np.ascontiguousarray(A.T)
    K = D + 1 + H
    xhs = kept("lstm.xhs", T + 1, K, B)
    xhs[:T, :D] = x.swapaxes(1, 2)
    xhs[:, D] = 1.0
    xhs[0, D + 1 :] = 0.0
    hs = xhs[:, D + 1 :]
    zs, cs, tcs = kept("lstm.zs", T, 4 * H, B), kept("lstm.cs", T + 1, H, B), kept("lstm.tcs", T, H, B)
    cs[0] = 0.0
    keep = np.empty((H, B))
    for t in range(T):
        z, c, tc = zs[t], cs[t + 1], tcs[t]
        np.dot(A_t, xhs[t], out=z)
        np.tanh(z, out=z)
        i, f, g, o = gates = z.reshape(4, H, B)
        for gate in (gates[:2], o):
            gate += 1.0
            gate *= 0.5
        np.multiply(f, cs[t], out=c)
        c += np.multiply(i, g, out=keep)
        np.tanh(c, out=tc)
        np.multiply(o, tc, out=hs[t + 1])
    rows_h = kept("lstm.rows_h", T * B, H)
    np.copyto(rows_h.reshape(T, B, H), hs[1:].swapaxes(1, 2))
    r = rows_h.dot(V)
    r -= target.reshape(T * B, -1)
    value = np.vdot(r, r) / r.size
    r *= 2.0 / r.size
    d_V = rows_h.T.dot(r)
    d_hs = kept("lstm.d_hs", T, H, B)
    np.matmul(V, r.reshape(T, B, -1).swapaxes(1, 2), out=d_hs)
    d_zs = kept("lstm.d_zs", T, 4, H, B)
    d_h, d_c, d_tc = np.zeros((H, B)), np.zeros((H, B)), np.empty((H, B))
    for t in reversed(range(T)):
        gates = zs[t].reshape(4, H, B)
        i, f, g, o = gates
        d_z, tc = d_zs[t], tcs[t]
        d_i, d_f, d_g, d_o = d_z
        d_h += d_hs[t]
        np.multiply(tc, tc, out=d_tc)
        np.subtract(1.0, d_tc, out=d_tc)
        d_tc *= o
        d_tc *= d_h
        d_c += d_tc
        # slopes: s (1 - s) of the sigmoids, 1 - g² of the candidate
        np.multiply(gates, gates, out=d_z)
        np.subtract(gates[:2], d_z[:2], out=d_z[:2])
        np.subtract(1.0, d_g, out=d_g)
        np.subtract(o, d_o, out=d_o)
        d_i *= g
        d_f *= cs[t]
        d_g *= i
        d_z[:3] *= d_c
        d_o *= tc
        d_o *= d_h
        d_c *= f
        np.dot(U, d_z.reshape(4 * H, B), out=d_h)
    rows = in_columns("lstm.rows", d_zs.reshape(T, 4 * H, B))
    d_A = in_columns("lstm.inputs", xhs[:T]).dot(rows.T)
    return float(value), (d_A[:D].copy(), d_A[D + 1 :].copy(), d_A[D].copy(), d_V)


def lstm_products(x: Array, target: Array, W: Array, U: Array, b: Array, V: Array) -> None:
    T, B, D = x.shape
    flat = x.reshape(T * B, D)
    zs = flat.dot(W)
    h = np.zeros((B, len(U)))
    for t in range(T):
        h.dot(U)
        zs[t * B : (t + 1) * B].dot(U.T)
    hs = zs[:, : len(U)]
    hs.T.dot(hs.dot(V))
    zs.T.dot(flat)
    zs.T.dot(hs)


def lstm_as_written(np: Any, x: Any, target: Any, W: Any, U: Any, b: Any, V: Any) -> Any:
    H = U.shape[0]
    zs = x @ W + b

    def step(state: Any, z: Any) -> Any:
        h, c = state
        z = z + h @ U
        i, f, g, o = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
        c = np.sigmoid(f) * c + np.sigmoid(i) * np.tanh(g)
        h = np.sigmoid(o) * np.tanh(c)
        return (h, c), h

    start = (np.zeros((x.shape[1], H)), np.zeros((x.shape[1], H)))
    if np.__class__.__name__ == "Torch":
        start = (x.new_zeros(x.shape[1], H), x.new_zeros(x.shape[1], H))
    _, hs = np.scan(step, start, zs)
    return np.mean((hs @ V - target) ** 2)


def lstm_layer(np: Any, x: Any, target: Any, W: Any, U: Any, b: Any, V: Any) -> Any:
    """torch.nn.LSTM's own function; its gates are in this order, its weights are transposed."""
    import torch

    start = (x.new_zeros(1, x.shape[1], U.shape[0]), x.new_zeros(1, x.shape[1], U.shape[0]))
    weights = [W.T.contiguous(), U.T.contiguous(), b, torch.zeros_like(b)]
    hs, _, _ = torch.lstm(x, start, weights, True, 1, 0.0, True, False, False)
    return np.mean((hs @ V - target) ** 2)


def draw_lstm(T: int, B: int, D: int, H: int, out: int) -> dict[str, Any]:
    rng = np.random.default_rng(17)
    return {
        "x": rng.normal(size=(T, B, D)), "target": rng.normal(size=(T, B, out)),
        "W": rng.normal(size=(D, 4 * H)) / D**0.5, "U": rng.normal(size=(H, 4 * H)) / H**0.5,
        "b": 0.1 * rng.normal(size=4 * H), "V": rng.normal(size=(H, out)) / H**0.5,
    }  # fmt: skip


def gru(x: Array, target: Array, W: Array, U: Array, Uc: Array, b: Array) -> Answer:
    """As the LSTM: batch last, one tanh for both gates, input and state in one product."""
    T, B, D = x.shape
    H = len(Uc)
    K = D + 1 + H
    bias = b[None]
    A_t = np.concatenate((W[:, : 2 * H], bias[:, : 2 * H], U)).T * 0.5
    C_t = np.ascontiguousarray(np.concatenate((W[:, 2 * H :], bias[:, 2 * H :], Uc)).T)
    xhs, xrs = kept("gru.xhs", T + 1, K, B), kept("gru.xrs", T, K, B)
    xhs[:T, :D] = xrs[:, :D] = x.swapaxes(1, 2)
    xhs[:, D] = xrs[:, D] = 1.0
    xhs[0, D + 1 :] = 0.0
    hs, rhs = xhs[:, D + 1 :], xrs[:, D + 1 :]
    zs, d_zs = kept("gru.zs", T, 3 * H, B), kept("gru.d_zs", T, 3 * H, B)
    one = np.empty((H, B))
    for t in range(T):
        z, h, g = zs[t], hs[t], zs[t, 2 * H :]
        gates = z[: 2 * H]
        np.dot(A_t, xhs[t], out=gates)
        np.tanh(gates, out=gates)
        gates += 1.0
        gates *= 0.5
        np.multiply(gates[:H], h, out=rhs[t])
        np.dot(C_t, xrs[t], out=g)
        np.tanh(g, out=g)
        np.subtract(h, g, out=one)
        one *= gates[H:]
        np.add(g, one, out=hs[t + 1])
    error = hs[T] - target.T
    value = np.vdot(error, error) / error.size
    d_h = error * (2.0 / error.size)
    d_rh = np.empty((H, B))
    for t in reversed(range(T)):
        z, h, d_z = zs[t], hs[t], d_zs[t]
        r, u, g = z[:H], z[H : 2 * H], z[2 * H :]
        d_r, d_u, d_g = d_z[:H], d_z[H : 2 * H], d_z[2 * H :]
        np.subtract(1.0, u, out=d_g)
        np.subtract(h, g, out=d_u)
        d_u *= d_g
        d_u *= u
        d_u *= d_h
        d_g *= d_h
        np.multiply(g, g, out=one)
        np.subtract(1.0, one, out=one)
        d_g *= one
        d_h *= u
        np.dot(Uc, d_g, out=d_rh)
        np.multiply(d_rh, r, out=one)
        d_h += one
        np.subtract(1.0, r, out=d_r)
        d_r *= one
        d_r *= h
        d_h += np.dot(U, d_z[: 2 * H], out=one)
    rows = in_columns("gru.rows", d_zs)
    d_A = in_columns("gru.inputs", xhs[:T]).dot(rows[: 2 * H].T)
    d_C = in_columns("gru.reset", xrs).dot(rows[2 * H :].T)
    d_W, d_b = np.concatenate((d_A[:D], d_C[:D]), axis=1), np.concatenate((d_A[D], d_C[D]))
    return float(value), (d_W, d_A[D + 1 :].copy(), d_C[D + 1 :].copy(), d_b)


def gru_as_written(np: Any, x: Any, target: Any, W: Any, U: Any, Uc: Any, b: Any) -> Any:
    H = Uc.shape[0]

    def step(h: Any, a: Any) -> Any:
        gates = np.sigmoid(a[:, : 2 * H] + h @ U)
        r, u = gates[:, :H], gates[:, H:]
        return u * h + (1 - u) * np.tanh(a[:, 2 * H :] + (r * h) @ Uc), None

    h, _ = np.scan(step, 0 * target, x @ W + b)
    return np.mean((h - target) ** 2)


def draw_gru() -> dict[str, Any]:
    rng, D, H = np.random.default_rng(18), 24, 48
    return {
        "x": rng.normal(size=(50, 32, D)), "target": rng.normal(size=(32, H)),
        "W": rng.normal(size=(D, 3 * H)) / D**0.5, "U": rng.normal(size=(H, 2 * H)) / H**0.5,
        "Uc": rng.normal(size=(H, H)) / H**0.5, "b": 0.1 * rng.normal(size=3 * H),
    }  # fmt: skip


def rnn(x: Array, y: Array, W: Array, U: Array, b: Array, V: Array, c: Array) -> Answer:
    T, B, D = x.shape
    H = len(U)
    flat = x.reshape(T * B, D)
    xs = np.dot(flat, W, out=kept("rnn.xs", T * B, H)).reshape(T, B, H)
    xs += b
    hs = kept("rnn.hs", T + 1, B, H)
    hs[0] = 0.0
    for t in range(T):
        h = hs[t + 1]
        np.dot(hs[t], U, out=h)
        h += xs[t]
        np.tanh(h, out=h)
    z = hs[T].dot(V)
    z += c
    value, p = softmax_cross_entropy(z, y)
    d_h, d_zs = p.T.dot(V.T), kept("rnn.d_zs", T, B, H)
    U_t = np.ascontiguousarray(U.T)
    for t in reversed(range(T)):
        d_z = d_zs[t]
        np.multiply(hs[t + 1], hs[t + 1], out=d_z)
        np.subtract(1.0, d_z, out=d_z)
        d_z *= d_h
        np.dot(d_z, U_t, out=d_h)
    rows = d_zs.reshape(T * B, H)
    return value, (
        flat.T.dot(rows), hs[:T].reshape(T * B, H).T.dot(rows), np.ones(T * B).dot(rows),
        p.dot(hs[T]).T, np.add.reduce(p, axis=1),
    )  # fmt: skip


def rnn_as_written(np: Any, x: Any, y: Any, W: Any, U: Any, b: Any, V: Any, c: Any) -> Any:
    xs = x @ W + b
    h, _ = np.scan(lambda h, a: (np.tanh(a + h @ U), None), 0 * xs[0], xs)
    return np.mean(np.cross_entropy(h @ V + c, y))


def draw_rnn() -> dict[str, Any]:
    rng, D, H = np.random.default_rng(19), 16, 32
    return {
        "x": rng.normal(size=(60, 20, D)), "y": rng.integers(0, 6, 20), "W": rng.normal(size=(D, H)) / D**0.5,
        "U": rng.normal(size=(H, H)) / H**0.5, "b": 0.1 * rng.normal(size=H), "V": rng.normal(size=(H, 6)),
        "c": np.zeros(6),
    }  # fmt: skip


UNROLLED = {"compile": "unrolls the loop, and compiles for minutes"}
WORKLOADS = (
    Workload(
        name="lstm",
        title="LSTM, 100 steps, hidden 64, batch 16",
        model=MODELS / "lstm.dsl",
        draw=lambda: draw_lstm(100, 16, 32, 64, 8),
        wrt=("W", "U", "b", "V"),
        best=lstm,
        objective=lstm_as_written,
        own={"module": lstm_layer},
        goals={"jax": 1.7, "torch": 2, "module": 2, "autograd": 5},
        limit=Limit("its GEMMs", 2.0, lstm_products),
        without=UNROLLED,
    ),
    Workload(
        name="gru",
        title="GRU, 50 steps, hidden 48, batch 32",
        model=MODELS / "gru.dsl",
        draw=draw_gru,
        wrt=("W", "U", "Uc", "b"),
        best=gru,
        objective=gru_as_written,
        without=UNROLLED,
    ),
    Workload(
        name="rnn",
        title="RNN, 60 steps, hidden 32, batch 20",
        model=MODELS / "rnn.dsl",
        draw=draw_rnn,
        wrt=("W", "U", "b", "V", "c"),
        best=rnn,
        objective=rnn_as_written,
        without=UNROLLED,
    ),
)
