"""Models of derivative_peers in NumPy, on arrays of CasADi's symbols: whose derivatives' patterns are CasADi's.

sparsity = jacobian(MODELS["Bratu"])     casadi.Sparsity of y by all params, one after the other
"""

from __future__ import annotations

from typing import Any

import casadi
import numpy as np
from derivative_peers import Model

Array = Any


def _padded(u: Array) -> Array:
    return np.pad(u, 1)


def perceptron(x: Array, W: Array, b: Array, V: Array) -> Array:
    return np.tanh(x @ W + b) @ V


def word_vectors(word: Array, context: Array, E: Array, F: Array) -> Array:
    return np.log(1 / (1 + np.exp(-(E[word] * F[context]).sum(axis=1))))


def bilinear(x: Array, T: Array, z: Array) -> Array:
    return np.einsum("ni,ijk,nk->nj", x, T, z)


def lost_phases(x: Array) -> Array:
    w = np.outer(np.arange(len(x)), np.arange(len(x))) * (2 * np.pi / len(x))
    return (np.cos(w) @ x) ** 2 + (np.sin(w) @ x) ** 2


def running_products(x: Array) -> Array:
    return np.cumprod(x) + np.cumsum(x**2)[::-1] * np.roll(x, 2)


def counts(word: Array, w: Array, s: Array) -> Array:
    n = np.zeros(len(s), object)
    for t, k in enumerate(word):
        n[k] = n[k] + w[t].exp()
    return np.log(1 + n + 0 * s) * s


def filtered(x: Array, a: Array, b: Array) -> Array:
    s = b * x
    for i in range(1, len(x)):
        s[i : i + 1] = a * s[i - 1] + (1 - a) * s[i]
    return s


def bratu(u: Array, c: Array) -> Array:
    p = _padded(u)
    return p[2:] - 2 * u + p[:-2] + c * np.exp(u)


def poisson(f: Array, u: Array) -> Array:
    p = _padded(u)
    return 4 * u - p[2:, 1:-1] - p[:-2, 1:-1] - p[1:-1, 2:] - p[1:-1, :-2] + u**3 - f


def heat(u: Array, k: Array) -> Array:
    for _ in range(5):
        p = _padded(u)
        flux = k * (p[1:] - p[:-1])
        u = u + 0.2 * (flux[1:] - flux[:-1])
    return u


def burgers(u: Array, nu: Array) -> Array:
    left, right = np.roll(u, 1), np.roll(u, -1)
    return -u * (right - left) / 2 + nu * (right - 2 * u + left)


def bars(a: Array, b: Array, stiffness: Array, u: Array) -> Array:
    return stiffness * (np.sqrt(((u[a] - u[b]) ** 2).sum(axis=1) + 0.1) - 0.5)


def forces_of_bars(a: Array, b: Array, u: Array) -> Array:
    force = np.zeros(len(u), object)
    for i, j in zip(a, b):
        t = (u[i] - u[j]).tanh()
        force[i] = force[i] + t
        force[j] = force[j] - t
    return force


def minimal_surface(z: Array) -> Array:
    dx, dy = z[1:, :-1] - z[:-1, :-1], z[:-1, 1:] - z[:-1, :-1]
    return np.sqrt(1 + dx**2 + dy**2).sum()


def camera(of: Array, who: Array, pose: Array, point: Array) -> Array:
    r, x = pose[of, :3], point[who]
    t = np.sqrt((r**2).sum(axis=1, keepdims=True) + 1e-12)
    w = r / t
    cross = np.stack([w[:, i] * x[:, j] - w[:, j] * x[:, i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=1)
    p = (
        x * np.cos(t)
        + cross * np.sin(t)
        + w * ((w * x).sum(axis=1, keepdims=True) * (1 - np.cos(t)))
        + pose[of, 3:]
    )
    q = p[:, :2] / (5 + p[:, 2:])
    return q * (1 + 0.1 * (q**2).sum(axis=1, keepdims=True))


def springs(x: Array) -> Array:
    length = np.sqrt(((x[1:] - x[:-1]) ** 2).sum(axis=1) + 0.01)
    return 5 * ((length - 0.5) ** 2).sum() + x[:, 1].sum()


def valleys(x: Array) -> Array:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def broyden(x: Array) -> Array:
    p = _padded(x)
    return (3 - 2 * x) * x - p[:-2] - 2 * p[2:] + 1


def arrowhead(h: Array, x: Array) -> Array:
    return (x**4).sum() + np.exp(0.3 * h * x).sum() + h**3


def great_circle(a: Array, b: Array, s: Array) -> Array:
    h = np.sin((a - s) / 2) ** 2 + np.cos(a) * np.cos(s) * np.sin(b / 2) ** 2
    return 2 * np.arctan(np.sqrt(h) / np.sqrt(1 - h))


def enzyme(s: Array, v: Array, m: Array, i: Array, h: Array) -> Array:
    return v * s**h / (m**h + s**h * (1 + s / i))


def bodies(x: Array, m: Array) -> Array:
    d = x[:, None, :] - x[None, :, :]
    r2 = (d**2).sum(axis=2) + 0.01
    return -(((r2**-1.5) * m)[:, :, None] * d).sum(axis=1)


READINGS = {
    "perceptron": perceptron, "word vectors": word_vectors, "bilinear": bilinear, "lost phases": lost_phases,
    "running products": running_products, "counts": counts, "filter": filtered, "Bratu": bratu,
    "poisson": poisson, "heat": heat, "Burgers": burgers, "bars": bars, "forces of bars": forces_of_bars,
    "minimal surface": minimal_surface, "camera": camera, "springs": springs, "chained valleys": valleys,
    "Broyden's band": broyden, "arrowhead": arrowhead, "great circle": great_circle, "enzyme": enzyme,
    "bodies": bodies,
}  # fmt: skip


def _symbols(model: Model) -> tuple[Any, Any]:
    """All params as one column of symbols, and the value of y."""
    given, columns = dict(model.given()), []
    for name in model.wrt:
        shape = np.shape(given[name])
        symbols = casadi.SX.sym(name, int(np.prod(shape)))
        columns.append(symbols)
        parts = np.array([symbols[i] for i in range(symbols.numel())], object)
        given[name] = parts.reshape(shape or (1,))
    return casadi.vertcat(*columns), np.ravel(READINGS[model.name](**given))


def jacobian(model: Model) -> Any:
    theta, y = _symbols(model)
    return casadi.jacobian(casadi.vertcat(*y), theta).sparsity()


def hessian(model: Model) -> Any:
    """Of y itself where it is a number, else of half the sum of the squares of y - 0.3."""
    theta, y = _symbols(model)
    target = y[0] if model.is_scalar else 0.5 * sum((v - 0.3) ** 2 for v in y)
    return casadi.hessian(target, theta)[0].sparsity()
