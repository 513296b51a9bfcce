"""Mixtures, kernels, clusters: an exponential for each pair of a point and a centre."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import lgamma, log, pi
from pathlib import Path
from typing import Any

import numpy as np
from contest.memory import kept
from contest.workload import EXAMPLES, MODELS, Answer, Limit, Workload, data

Array = Any


@cache
def places(d: int) -> tuple[Array, Array, Array, Array]:
    """Row and column of each number of a component, and row and column of the diagonal."""
    columns, rows = np.triu_indices(d, 1)
    return rows, columns, np.arange(d), np.arange(d)


def gmm(x: Array, gamma: float, m: int, alphas: Array, means: Array, icf: Array) -> Answer:
    """All components' products as one, with a column for -Q mu; points in tiles that stay in the cache.

    The differences to means are taken in the product: the data's numbers are all of the size of one.
    """
    n, d = x.shape
    K = len(alphas)
    rows, columns, diagonal, _ = places(d)
    q, below = icf[:, :d], icf[:, d:]
    e = np.exp(q)
    Q = np.zeros((K, d, d))
    Q[:, rows, columns] = below
    Q[:, diagonal, diagonal] = e
    A = np.empty((d + 1, K * d))
    A[:d] = Q.reshape(K * d, d).T
    A[d] = -np.einsum("kij,kj->ki", Q, means).reshape(-1)
    log_det = np.add.reduce(q, axis=1)
    constant = (alphas + log_det)[:, None]
    tile = max(32, min(n, 40_000 // (K * d)))
    d_A, d_log, total = np.zeros((K * d, d + 1)), np.zeros(K), 0.0
    ones = np.ones((tile, d + 1))
    for start in range(0, n, tile):
        size = min(tile, n - start)
        points = ones[:size]
        points[:, :d] = x[start : start + size]
        z = A.T.dot(points.T).reshape(K, d, size)
        p = np.einsum("kdn,kdn->kn", z, z)
        p *= -0.5
        p += constant
        top = np.maximum.reduce(p, axis=0)
        p -= top
        np.exp(p, out=p)
        weights = np.add.reduce(p, axis=0)
        total += np.add.reduce(np.log(weights)) + np.add.reduce(top)
        p /= weights
        d_log += np.add.reduce(p, axis=1)
        z *= p[:, None, :]
        d_A -= z.reshape(K * d, size).dot(points)
    shift = np.maximum.reduce(alphas)
    share = np.exp(alphas - shift)
    norm = np.add.reduce(share)
    d_Q = d_A[:, :d].reshape(K, d, d)
    d_last = d_A[:, d].reshape(K, d)
    d_Q -= d_last[:, :, None] * means[:, None, :]
    d_means = -np.einsum("kij,ki->kj", Q, d_last)
    d_icf = np.empty_like(icf)
    d_icf[:, :d] = d_Q[:, diagonal, diagonal] * e + d_log[:, None] + gamma * gamma * e * e - m
    d_icf[:, d:] = d_Q[:, rows, columns] + gamma * gamma * below
    prior = 0.5 * gamma * gamma * (np.vdot(e, e) + np.vdot(below, below)) - m * np.add.reduce(log_det)
    N = d + m + 1
    wishart = N * d * (log(gamma) - 0.5 * log(2)) - d * (d - 1) / 4 * log(pi)
    wishart -= sum(lgamma(0.5 * (N - j)) for j in range(d))
    value = -0.5 * n * d * log(2 * pi) + total - n * (shift + log(norm)) + prior - K * wishart
    return float(value), (d_log - (n / norm) * share, d_means, d_icf)


def gmm_products(x: Array, gamma: float, m: int, alphas: Array, means: Array, icf: Array) -> None:
    """Forward and back, all components in one."""
    z = x.dot(_random(x.shape[1], icf.shape[0] * x.shape[1]))
    x.T.dot(z)


@cache
def _random(rows: int, columns: int) -> Array:
    return np.random.default_rng(0).normal(size=(rows, columns))


def gmm_as_written(np: Any, x: Any, gamma: Any, m: Any, alphas: Any, means: Any, icf: Any) -> Any:
    """As ADBench has it, in arrays: Q by a gather."""
    n, d = x.shape
    K = len(alphas)
    place, lower = layout(d)
    q, below = icf[:, :d], icf[:, d:]
    Q = np.where(np.asarray(lower), icf[:, place], 0.0) + np.exp(q)[:, None, :] * np.asarray(_eye(d))
    z = np.einsum("kij,knj->kni", Q, x - means[:, None, :])
    inside = np.sum(q, axis=1)[:, None] - 0.5 * np.sum(z**2, axis=2)
    likelihood = np.sum(np.logsumexp(alphas[:, None] + inside, axis=0)) - n * np.logsumexp(alphas, axis=0)
    prior = 0.5 * gamma**2 * (np.sum(np.exp(q) ** 2) + np.sum(below**2)) - m * np.sum(q)
    N = d + m + 1
    wishart = N * d * (np.log(gamma) - 0.5 * log(2)) - d * (d - 1) / 4 * log(pi)
    wishart = wishart - sum(np.lgamma(0.5 * (N - j)) for j in range(d))
    return -0.5 * n * d * log(2 * pi) + likelihood + prior - K * wishart


def layout(d: int) -> tuple[Array, Array]:
    """For each element of Q where it stands in a row of icf, and whether it is below the diagonal."""
    rows, columns, _, _ = places(d)
    place = np.zeros((d, d), int)
    place[rows, columns] = d + np.arange(len(rows))
    return place, np.tril(np.ones((d, d), bool), -1)


def _eye(d: int) -> Array:
    return np.eye(d)


def draw_gmm(name: str) -> Callable[[], dict[str, Any]]:
    return lambda: read_gmm(data(f"adbench/gmm/{name}.txt"))


def read_gmm(path: Path) -> dict[str, Any]:
    """d K n; alphas; means; rows of icf; points; gamma m."""
    lines = path.read_text().splitlines()
    _, K, n = map(int, lines[0].split())
    ends = np.cumsum([1, K, K, K, n])
    blocks = [np.array([line.split() for line in lines[a:b]], float) for a, b in pairwise(ends.tolist())]
    gamma, m = lines[ends[-1]].split()
    alphas, means, icf, x = blocks
    return {
        "x": x, "gamma": float(gamma), "m": int(m), "alphas": alphas[:, 0], "means": means, "icf": icf
    }  # fmt: skip


def of_gmm(name: str, **more: Any) -> Workload:
    return Workload(
        name=f"gmm_{name.split('/')[-1][4:]}" + ("_10k" if name.startswith("10k") else ""),
        title=f"GMM, ADBench {name.replace('gmm_', '').replace('_', ' ')}",
        model=EXAMPLES / "adbench" / "gmm.dsl",
        draw=draw_gmm(name),
        wrt=("alphas", "means", "icf"),
        best=gmm,
        objective=gmm_as_written,
        limit=Limit("two GEMMs", 1.5, gmm_products),
        **more,
    )


def rbf(x: Array, z: Array, weight: Array, width: float) -> Answer:
    """A tile of rows at a time: the kernel never leaves the cache."""
    n, m = len(x), len(z)
    s = -0.5 / width**2
    x_squares, z_squares = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", z, z)
    z_scaled = -2.0 * z.T
    tile = max(1, 16_384 // m)
    g, k = np.empty((2, min(n, tile), m))
    value = d_width = 0.0
    d_weight, mass, d_z = np.zeros(m), np.zeros(m), np.zeros_like(z)
    for start in range(0, n, tile):
        points = x[start : start + tile]
        size = len(points)
        squares, kernel = g[:size], k[:size]
        np.dot(points, z_scaled, out=squares)
        squares += x_squares[start : start + size, None]
        squares += z_squares
        np.multiply(squares, s, out=kernel)
        np.exp(kernel, out=kernel)
        field = kernel.dot(weight)
        value += field.dot(field)
        field *= 2.0 / n
        d_weight += field.dot(kernel)
        kernel *= field[:, None]
        kernel *= weight
        d_width += np.vdot(squares, kernel)
        mass += np.ones(size).dot(kernel)
        d_z += kernel.T.dot(points)
    d_z -= mass[:, None] * z
    d_z *= -2.0 * s
    return float(value) / n, (d_z, d_weight, float(d_width) * -2.0 * s / width)


def rbf_as_written(np: Any, x: Any, z: Any, weight: Any, width: Any) -> Any:
    squares = np.sum(x**2, axis=1)[:, None] + np.sum(z**2, axis=1) - 2 * x @ z.T
    return np.mean((np.exp(-squares / (2 * width**2)) @ weight) ** 2)


def draw_rbf() -> dict[str, Any]:
    rng = np.random.default_rng(9)
    x, z = rng.normal(size=(500, 5)), rng.normal(size=(500, 5))
    return {"x": x, "z": z, "weight": rng.normal(size=500), "width": 1.3}


def soft_assignment(points: Array, centres: Array) -> Answer:
    """Centres first: maxima and sums go along long rows. The differences are taken as they are written."""
    n = len(points)
    columns = np.ascontiguousarray(points.T)
    diff = np.subtract(columns, centres[:, :, None], out=kept("soft", *centres.shape, n))
    p = np.einsum("cdn,cdn->cn", diff, diff)
    np.negative(p, out=p)
    top = np.maximum.reduce(p, axis=0)
    p -= top
    np.exp(p, out=p)
    total = np.add.reduce(p, axis=0)
    value = -(np.add.reduce(np.log(total)) + np.add.reduce(top)) / n
    p /= total
    mass = np.add.reduce(p, axis=1)
    return float(value), ((mass[:, None] * centres - p.dot(points)) * (2.0 / n),)


def soft_assignment_as_written(np: Any, points: Any, centres: Any) -> Any:
    distances = np.sum((points[:, None, :] - centres) ** 2, axis=2)
    return -np.mean(np.logsumexp(-distances, axis=1))


def kmeans(points: Array, centres: Array) -> Answer:
    columns = np.ascontiguousarray(points.T)
    diff = np.subtract(columns, centres[:, :, None], out=kept("kmeans", *centres.shape, len(points)))
    distances = np.einsum("cdn,cdn->cn", diff, diff)
    nearest = distances.argmin(axis=0)
    value = np.add.reduce(distances[nearest, np.arange(len(points))])
    owner = np.zeros((len(centres), len(points)))
    owner[nearest, np.arange(len(points))] = 1.0
    mass = np.bincount(nearest, minlength=len(centres))
    return float(value), (2.0 * (mass[:, None] * centres - owner.dot(points)),)


def kmeans_as_written(np: Any, points: Any, centres: Any) -> Any:
    return np.sum(np.min(np.sum((points[:, None, :] - centres) ** 2, axis=2), axis=1))


def draw_points(n: int, c: int, d: int) -> Callable[[], dict[str, Any]]:
    def draw() -> dict[str, Any]:
        rng = np.random.default_rng(10)
        return {"points": rng.normal(size=(n, d)), "centres": rng.normal(size=(c, d))}

    return draw


def mixture1d(x: Array, logit: Array, mu: Array, log_sigma: Array) -> Answer:
    n = len(x)
    inverse = np.exp(-log_sigma)
    shift = np.maximum.reduce(logit)
    share = np.exp(logit - shift)
    norm = np.add.reduce(share)
    z, p = kept("mixture1d", 2, len(mu), n)
    np.subtract(x, mu[:, None], out=z)
    z *= inverse[:, None]
    np.multiply(z, z, out=p)
    p *= -0.5
    p += (logit - log_sigma - (shift + np.log(norm)))[:, None]
    top = np.maximum.reduce(p, axis=0)
    p -= top
    np.exp(p, out=p)
    total = np.add.reduce(p, axis=0)
    value = -(np.add.reduce(np.log(total)) + np.add.reduce(top)) / n
    p /= total
    mass = np.add.reduce(p, axis=1)
    p *= z
    first = np.add.reduce(p, axis=1)
    second = np.einsum("kn,kn->k", p, z)
    return float(value), (share / norm - mass / n, -first * inverse / n, (mass - second) / n)


def mixture1d_as_written(np: Any, x: Any, logit: Any, mu: Any, log_sigma: Any) -> Any:
    z = (x[:, None] - mu) / np.exp(log_sigma)
    log_p = logit - np.logsumexp(logit, axis=0) - log_sigma - 0.5 * z**2
    return -np.mean(np.logsumexp(log_p, axis=1))


def draw_mixture1d() -> dict[str, Any]:
    rng = np.random.default_rng(11)
    return {"x": rng.normal(size=5000), **{name: rng.normal(size=8) for name in ("logit", "mu", "log_sigma")}}


WORKLOADS = (
    of_gmm("1k/gmm_d10_K25", goals={"jax": 4.5, "torch": 4.5, "autograd": 20}),
    of_gmm("1k/gmm_d2_K5"),
    of_gmm("1k/gmm_d2_K10"),
    of_gmm("1k/gmm_d2_K200"),
    of_gmm("1k/gmm_d10_K5"),
    of_gmm("1k/gmm_d20_K5"),
    of_gmm("10k/gmm_d2_K5"),
    of_gmm("10k/gmm_d10_K5"),
    of_gmm("10k/gmm_d10_K25"),
    of_gmm("10k/gmm_d20_K5"),
    Workload(
        name="rbf",
        title="Gaussian kernel, 500 × 500 points",
        model=MODELS / "rbf.dsl",
        draw=draw_rbf,
        wrt=("z", "weight", "width"),
        best=rbf,
        objective=rbf_as_written,
    ),
    Workload(
        name="soft_assignment",
        title="soft k-means, 2000 points, 10 centres",
        model=MODELS / "soft_assignment.dsl",
        draw=draw_points(2000, 10, 8),
        wrt=("centres",),
        best=soft_assignment,
        objective=soft_assignment_as_written,
    ),
    Workload(
        name="kmeans",
        title="k-means, 5000 points, 10 centres",
        model=EXAMPLES / "kmeans.dsl",
        draw=draw_points(5000, 10, 8),
        wrt=("centres",),
        best=kmeans,
        objective=kmeans_as_written,
    ),
    Workload(
        name="mixture1d",
        title="mixture of 8 normals on a line, 5000 points",
        model=MODELS / "mixture1d.dsl",
        draw=draw_mixture1d,
        wrt=("logit", "mu", "log_sigma"),
        best=mixture1d,
        objective=mixture1d_as_written,
    ),
)
