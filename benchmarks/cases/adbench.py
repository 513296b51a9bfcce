"""ADBench's character model and bundle adjustment (its mixtures are in mixtures.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from contest.workload import EXAMPLES, Answer, Workload, data

Array = Any


def lstm(
    text: Array, h0: Array, c0: Array, W: Array, bias: Array, w_in: Array, w_out: Array, b_out: Array
) -> Answer:
    """Forget and outgate see the layer's input, ingate and change its old state: two calls a layer.

    A step's four gates stand in one row, after tanh; a sigmoid is (1 + tanh(z / 2)) / 2.
    """
    T, b = text.shape
    L = len(W)
    n = T - 1
    order = np.array([0, 2, 1, 3])  # forget, outgate of z; ingate, change of h
    half = np.array([0.5, 0.5, 0.5, 1.0])[:, None]
    Ws, biases = W[:, order] * half, bias[:, order] * half
    xs = text[:n] * w_in
    gates, z_in = np.empty((n, L, 4, b)), np.empty((n, L, b))
    hs, cs, tcs = np.empty((n + 1, L, b)), np.empty((n + 1, L, b)), np.empty((n, L, b))
    hs[0], cs[0] = h0, c0
    pairs = [(Ws[i, :2], Ws[i, 2:], biases[i]) for i in range(L)]
    for t in range(n):
        z = xs[t]
        for i, (W_z, W_h, shift) in enumerate(pairs):
            g, h, c = gates[t, i], hs[t, i], cs[t + 1, i]
            z_in[t, i] = z
            np.multiply(z, W_z, out=g[:2])
            np.multiply(h, W_h, out=g[2:])
            g += shift
            np.tanh(g, out=g)
            s = g[:3]
            s += 1.0
            s *= 0.5
            np.multiply(g[2], g[3], out=c)
            c += cs[t, i] * g[0]
            np.tanh(c, out=tcs[t, i])
            z = hs[t + 1, i]
            np.multiply(g[1], tcs[t, i], out=z)
    tops = hs[1:, L - 1]
    y = tops * w_out
    y += b_out
    after = text[1:]
    e = np.exp(y)
    total = np.add.reduce(e, axis=1)
    total += 2.0
    counts = np.add.reduce(after, axis=1)
    value = counts.dot(np.log(total)) - np.vdot(after, y)
    scale = 1.0 / (b * n)
    e *= (counts / total)[:, None]
    e -= after
    e *= scale
    d_out, d_shift = np.einsum("tb,tb->b", e, tops), np.add.reduce(e, axis=0)
    e *= w_out
    # slopes of all gates, for all steps in one go
    slopes = np.empty_like(gates)
    np.multiply(gates, gates, out=slopes)
    np.subtract(gates[:, :, :3], slopes[:, :, :3], out=slopes[:, :, :3])
    np.subtract(1.0, slopes[:, :, 3], out=slopes[:, :, 3])
    by_c = slopes.copy()
    by_c[:, :, 0] *= cs[:n]
    by_c[:, :, 2] *= gates[:, :, 3]
    by_c[:, :, 3] *= gates[:, :, 2]
    by_c[:, :, 1] *= tcs
    into_c = (1.0 - tcs * tcs) * gates[:, :, 1]
    d_gates = np.empty_like(gates)
    d_xs = np.empty((n, b))
    plain = [(W[i, order[:2]], W[i, order[2:]]) for i in range(L)]
    d_h, d_c = np.zeros((L, b)), np.zeros((L, b))
    for t in reversed(range(n)):
        d_z = e[t]
        for i in reversed(range(L)):
            W_z, W_h = plain[i]
            d = d_gates[t, i]
            d_hi, d_ci = d_h[i], d_c[i]
            d_hi += d_z
            d_ci += d_hi * into_c[t, i]
            np.multiply(by_c[t, i], d_ci, out=d)
            np.multiply(by_c[t, i, 1], d_hi, out=d[1])
            d_ci *= gates[t, i, 0]
            g = d[2:] * W_h
            np.add(g[0], g[1], out=d_hi)
            g = d[:2] * W_z
            d_z = g[0] + g[1]
        d_xs[t] = d_z
    d_W, d_bias = np.empty_like(W), np.empty_like(bias)
    d_W[:, order[:2]] = np.einsum("tlgb,tlb->lgb", d_gates[:, :, :2], z_in)
    d_W[:, order[2:]] = np.einsum("tlgb,tlb->lgb", d_gates[:, :, 2:], hs[:n])
    d_bias[:, order] = np.add.reduce(d_gates, axis=0)
    d_in = np.einsum("tb,tb->b", d_xs, text[:n])
    return float(value) * scale, (d_W, d_bias, d_in, d_out, d_shift)


def lstm_as_written(
    np: Any, text: Any, h0: Any, c0: Any, W: Any, bias: Any, w_in: Any, w_out: Any, b_out: Any
) -> Any:
    layers = W.shape[0]

    def step(state: Any, x: Any) -> Any:
        hs, cs = list(state[0]), list(state[1])
        z = x * w_in
        for i in range(layers):
            forget = np.sigmoid(z * W[i, 0] + bias[i, 0])
            ingate = np.sigmoid(hs[i] * W[i, 1] + bias[i, 1])
            outgate = np.sigmoid(z * W[i, 2] + bias[i, 2])
            change = np.tanh(hs[i] * W[i, 3] + bias[i, 3])
            cs[i] = cs[i] * forget + ingate * change
            z = hs[i] = outgate * np.tanh(cs[i])
        return (tuple(hs), tuple(cs)), z * w_out + b_out

    start = (tuple(h0[i] for i in range(layers)), tuple(c0[i] for i in range(layers)))
    _, y = np.scan(step, start, text[:-1])
    log_p = y - np.log(2 + np.sum(np.exp(y), axis=1, keepdims=True))
    return -np.sum(text[1:] * log_p) / (text.shape[1] * (text.shape[0] - 1))


def draw_lstm(name: str) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        sizes, *lines = filter(None, data(f"adbench/lstm/{name}.txt").read_text().splitlines())
        layers, T, b = map(int, sizes.split())
        numbers = np.array(" ".join(lines).split(), float)
        main, extra, state, text = np.split(numbers, np.cumsum([8 * layers * b, 3 * b, 2 * layers * b]))
        weights, start = main.reshape(layers, 2, 4, b), state.reshape(layers, 2, b)
        w_in, w_out, b_out = extra.reshape(3, b)
        return {
            "text": text.reshape(T, b), "h0": start[:, 0].copy(), "c0": start[:, 1].copy(),
            "W": weights[:, 0].copy(), "bias": weights[:, 1].copy(),
            "w_in": w_in, "w_out": w_out, "b_out": b_out,
        }  # fmt: skip

    return draw


def bundle(camera: Array, point: Array, feature: Array, cameras: Array, X: Array, w: Array) -> Answer:
    """Components first: a column of all observations is one block. Sums by camera and point with bincount."""
    n, m = len(cameras), len(X)
    theta = np.sqrt(np.einsum("ij,ij->i", cameras[:, :3], cameras[:, :3]))
    still = theta == 0.0
    per_camera = np.empty((15, n))
    per_camera[:11] = cameras.T
    per_camera[11] = np.where(still, 1.0, theta)
    per_camera[:3] /= per_camera[11]  # the axis
    per_camera[12], per_camera[13] = np.cos(theta), np.sin(theta)
    if still.any():
        raise ValueError("written for cameras that are turned")
    C: Array = per_camera.take(camera, axis=1)
    kx, ky, kz, cx, cy, cz, f, u0, v0, k1, k2, angle, co, si, _ = C
    vx, vy, vz = X.T.take(point, axis=1)
    vx, vy, vz = vx - cx, vy - cy, vz - cz
    sx, sy, sz = ky * vz - kz * vy, kz * vx - kx * vz, kx * vy - ky * vx
    along = kx * vx + ky * vy + kz * vz
    versed = 1.0 - co
    lean = along * versed
    yx, yy, yz = (v * co + s * si + k * lean for v, s, k in ((vx, sx, kx), (vy, sy, ky), (vz, sz, kz)))
    px, py = yx / yz, yy / yz
    rho = px * px + py * py
    radial = 1.0 + rho * (k1 + k2 * rho)
    qx, qy = radial * px, radial * py
    rx, ry = f * qx + u0 - feature[:, 0], f * qy + v0 - feature[:, 1]
    w2 = w * w
    squares = rx * rx + ry * ry
    left = 1.0 - w2
    value = w2.dot(squares) + left.dot(left)
    d_w = 2.0 * w * (squares - 2.0 * left)
    D = np.empty((11, len(camera)))
    d_rx, d_ry = 2.0 * w2 * rx, 2.0 * w2 * ry
    D[7], D[8] = d_rx, d_ry
    D[6] = d_rx * qx + d_ry * qy
    d_qx, d_qy = d_rx * f, d_ry * f
    d_radial = d_qx * px + d_qy * py
    D[9] = d_radial * rho
    D[10] = D[9] * rho
    d_rho = 2.0 * d_radial * (k1 + 2.0 * k2 * rho)
    d_px, d_py = d_qx * radial + d_rho * px, d_qy * radial + d_rho * py
    gx, gy = d_px / yz, d_py / yz
    gz = -(gx * px + gy * py)
    lean_in = kx * gx + ky * gy + kz * gz
    turned = versed * lean_in
    # v: g cos + (g × k) sin + k (k·g)(1 - cos)
    d_v = (
        gx * co + (gy * kz - gz * ky) * si + kx * turned,
        gy * co + (gz * kx - gx * kz) * si + ky * turned,
        gz * co + (gx * ky - gy * kx) * si + kz * turned,
    )
    D[3], D[4], D[5] = (-v for v in d_v)
    # k: (v × g) sin + g (k·v)(1 - cos) + v (k·g)(1 - cos)
    d_k = (
        (vy * gz - vz * gy) * si + gx * lean + vx * turned,
        (vz * gx - vx * gz) * si + gy * lean + vy * turned,
        (vx * gy - vy * gx) * si + gz * lean + vz * turned,
    )
    d_angle = (gx * sx + gy * sy + gz * sz) * co - (gx * vx + gy * vy + gz * vz) * si + along * lean_in * si
    radially = d_k[0] * kx + d_k[1] * ky + d_k[2] * kz
    for i, (d, k) in enumerate(zip(d_k, (kx, ky, kz))):
        D[i] = d_angle * k + (d - radially * k) / angle
    d_cameras = np.stack([np.bincount(camera, row, n) for row in D], axis=1)
    d_X = np.stack([np.bincount(point, row, m) for row in d_v], axis=1)
    return float(value), (d_cameras, d_X, d_w)


def bundle_as_written(np: Any, camera: Any, point: Any, feature: Any, cameras: Any, X: Any, w: Any) -> Any:
    seen_by = cameras[camera]
    r, C, f, u, k = seen_by[:, 0:3], seen_by[:, 3:6], seen_by[:, 6:7], seen_by[:, 7:9], seen_by[:, 9:11]
    v = X[point] - C
    theta = np.sqrt(np.sum(r * r, axis=1, keepdims=True))
    axis = r / theta
    crossed = np.stack(
        [
            axis[:, 1] * v[:, 2] - axis[:, 2] * v[:, 1],
            axis[:, 2] * v[:, 0] - axis[:, 0] * v[:, 2],
            axis[:, 0] * v[:, 1] - axis[:, 1] * v[:, 0],
        ],
        1,
    )
    along = np.sum(axis * v, axis=1, keepdims=True)
    Y = v * np.cos(theta) + crossed * np.sin(theta) + axis * along * (1 - np.cos(theta))
    q = Y[:, :2] / Y[:, 2:]
    rho = np.sum(q * q, axis=1, keepdims=True)
    seen = f * q * (1 + k[:, :1] * rho + k[:, 1:] * rho * rho) + u
    return np.sum((w[:, None] * (seen - feature)) ** 2) + np.sum((1 - w**2) ** 2)


def draw_bundle(name: str) -> Callable[[], dict[str, Any]]:
    """The file has one camera, point, weight and feature, which are repeated."""

    def draw() -> dict[str, Any]:
        lines = filter(str.strip, data(f"adbench/ba/{name}.txt").read_text().splitlines())
        sizes, *rows = (line.split() for line in lines)
        n, m, p = map(int, sizes)
        i = np.arange(p)
        counts = (n, m, p, p)
        cameras, X, w, feature = (np.tile(np.array(row, float), (k, 1)) for row, k in zip(rows, counts))
        return {
            "camera": i % n, "point": i % m, "feature": feature,
            "cameras": cameras, "X": X, "w": w[:, 0].copy(),
        }  # fmt: skip

    return draw


def of_lstm(name: str, **without: str) -> Workload:
    return Workload(
        name=f"adbench_{name}",
        title=f"LSTM, ADBench {name.removeprefix('lstm_').replace('_', ' ')}",
        model=EXAMPLES / "adbench" / "lstm.dsl",
        draw=draw_lstm(name),
        wrt=("W", "bias", "w_in", "w_out", "b_out"),
        best=lstm,
        objective=lstm_as_written,
        without={"compile": "unrolls the loop, and compiles for minutes", **without},
    )


SLOW = "takes seconds a call: only the shorter text"
WORKLOADS = (
    of_lstm("lstm_l2_c1024"),
    of_lstm("lstm_l2_c4096", torch=SLOW, autograd=SLOW),
    Workload(
        name="adbench_ba1",
        title="bundle adjustment, ADBench BA1",
        model=EXAMPLES / "adbench" / "ba.dsl",
        draw=draw_bundle("ba1_n49_m7776_p31843"),
        wrt=("cameras", "X", "w"),
        best=bundle,
        objective=bundle_as_written,
        # what is left of two numbers that are close to each other has lost three digits
        tolerance=1e-8,
    ),
)
