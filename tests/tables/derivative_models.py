"""Models that compute with derivatives, each beside the same in JAX.

Each gives f, a real scalar, from the arguments of HEAD; the reference takes them by position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

HEAD = """\
dim N, D, H
input x: real[N, D]
input t: real[N]
param W: real[D, H]
param v: real[H]
param w: real[D]
param a, b: real
"""
TAIL = """
output f
grad f wrt x, t, W, v, w, a, b
"""
SIZES = {"N": 4, "D": 3, "H": 2}
_RNG = np.random.default_rng(11)
VALUES = [
    _RNG.normal(size=(4, 3)), _RNG.uniform(0.3, 1.5, size=4), 0.7 * _RNG.normal(size=(3, 2)),
    _RNG.normal(size=2), 0.5 * _RNG.normal(size=3), 0.8, 0.3,
]  # fmt: skip

Reference = Callable[..., Any]


def models(jax: Any) -> dict[str, tuple[str, Reference]]:
    """What each model is called: its lines, and the same function in JAX."""
    jnp, grad, jvp = jax.numpy, jax.grad, jax.jvp

    def score(x: Any, W: Any, v: Any) -> Any:
        return jnp.tanh(x @ W) @ v

    def penalty(x, t, W, v, w, a, b):
        g = grad(lambda x: jnp.sum(score(x, W, v)))(x)
        return jnp.mean(score(x, W, v)) + jnp.mean((jnp.sqrt(jnp.sum(g**2, axis=1)) - 1) ** 2)

    def newton(x, t, W, v, w, a, b):
        def F(y):
            return jnp.exp(a * y) + y**2 * b

        y = 0.1
        for _ in range(3):
            y = y - grad(F)(y) / grad(grad(F))(y)
        return y

    def net(t, W, v, w):
        return jnp.tanh(t[:, None] * w[None, :]) @ (W @ v)

    def pinn(x, t, W, v, w, a, b):
        def u(t):
            return net(t, W, v, w)

        def u_t(t):
            return grad(lambda t: jnp.sum(u(t)))(t)

        u_tt = grad(lambda t: jnp.sum(u_t(t)))(t)
        return jnp.mean((u_tt + a * u_t(t) - b * u(t) ** 2) ** 2)

    def third(x, t, W, v, w, a, b):
        def f(y):
            return jnp.sin(a * y) * jnp.exp(b * y)

        return grad(grad(grad(f)))(a * b) ** 2

    def fitted(w, x, t):
        return jnp.mean((x @ w - t) ** 2)

    def maml(x, t, W, v, w, a, b):
        for _ in range(2):
            w = w - a * grad(fitted)(w, x, t)
        return fitted(w, x, t)

    def looped(x, t, W, v, w, a, b):
        for _ in range(5):
            w = w - 0.1 * a * grad(fitted)(w, x, t)
        return fitted(w, x, t) + a

    def momentum(x, t, W, v, w, a, b):
        m = jnp.zeros_like(w)
        for _ in range(4):
            m = b * m + grad(fitted)(w, x, t)
            w = w - 0.1 * a * m
        return jnp.sum(w**2)

    def aliases(x, t, W, v, w, a, b):
        def F(p, q):
            return p**3 * q + jnp.sin(q)

        return grad(F, 1)(a, a) * b + grad(F, 0)(a, a)

    def below(x, t, W, v, w, a, b):
        def L(w):
            z = jnp.sin(w)
            return jnp.sum(z**2 * w)

        return jnp.sum(grad(L)(w) ** 3)

    def inner_value(x, t, W, v, w, a, b):
        h = x @ W
        g = grad(lambda h: jnp.sum(jnp.exp(-(h**2)) @ v))(h)
        return jnp.sum(g**2)

    def directional(x, t, W, v, w, a, b):
        out, tangent = jvp(lambda x: jnp.tanh(x @ W), (x,), (jnp.outer(t, w),))
        return jnp.sum(tangent**2) + jnp.sum(out)

    def product(x, t, W, v, w, a, b):
        def L(w):
            return jnp.sum(jnp.exp(x @ w) * t)

        return jnp.sum(jvp(grad(L), (w,), (w * a,))[1] ** 2)

    def mixed(x, t, W, v, w, a, b):
        def g(a):
            return jvp(lambda b: jnp.exp(a * b) * b, (b,), (1.5,))[1]

        return grad(g)(a) ** 2

    def pair(x, t, W, v, w, a, b):
        g, h = grad(lambda W, v: jnp.sum(score(x, W, v) ** 2), (0, 1))(W, v)
        return jnp.sum(g**2) * jnp.sum(h)

    def recurrent(x, t, W, v, w, a, b):
        def L(w):
            h = 0.0
            for i in range(4):
                h = jnp.tanh(h + x[i] @ w)
            return h**2

        return jnp.sum(grad(L)(w) ** 2) + L(w)

    def chosen(x, t, W, v, w, a, b):
        def L(a):
            return jnp.where(b > 0, jnp.exp(a * b), a**2)

        return grad(L)(a) * grad(grad(L))(a)

    def loop_of_gradients(x, t, W, v, w, a, b):
        def L(w, i):
            return jnp.sin(x[i] @ w) * t[i]

        return sum(jnp.sum(grad(L)(w, i) ** 2) for i in range(4))

    def outside(x, t, W, v, w, a, b):
        total = 0.0
        for i in range(4):
            total = total + t[i] ** 2 * jnp.sum(grad(lambda w: jnp.sum((2 * w) ** 3))(w))
        return total

    def logistic(x, t, W, v, w, a, b):
        def L(w):
            return jnp.sum(jax.nn.softplus(3 * (x @ w)))

        return jnp.sum(grad(L)(w) ** 2)

    def attention(x, t, W, v, w, a, b):
        p = jax.nn.softmax(x @ w)
        g = grad(lambda p: -jnp.sum(p * jnp.log(p)))(p)
        return jnp.sum(g * t)

    def stopped(x, t, W, v, w, a, b):
        def L(a):
            return a**3 * jax.lax.stop_gradient(jnp.exp(a * b))

        return grad(L)(a) ** 2

    def ode(x, t, W, v, w, a, b):
        def H(q, p):
            return p**2 / 2 + a * (1 - jnp.cos(q))

        q, p = b, 1.0
        for _ in range(6):
            p = p - 0.1 * grad(H, 0)(q, p)
            q = q + 0.1 * grad(H, 1)(q, p)
        return q**2 + p

    def wasserstein(x, t, W, v, w, a, b):
        total = 0.0
        for i in range(4):
            g = grad(lambda y: jnp.tanh(y @ W) @ v)(x[i])
            total = total + (jnp.sum(g**2) - 1) ** 2
        return total / 4

    def implicit(x, t, W, v, w, a, b):
        y = jnp.linalg.solve(W.T @ W + jnp.eye(2), v)
        return jnp.sum(grad(lambda y: jnp.sum(jnp.cosh(y) ** 2))(y) ** 2)

    def straight(x, t, W, v, w, a, b):
        # The adjoint that the model states is 2 d a of a**2 (not the function's own).
        return (2 * a * 3) ** 2 + b

    return {
        "gradient penalty": (
            "score = tanh(x @ W) @ v\ng = grad(sum(score), x)\n"
            "f = mean(score) + mean((sqrt(sum(g**2, axis=1)) - 1)**2)",
            penalty,
        ),
        "Newton's steps": (
            "def F(y):\n    return exp(a * y) + y**2 * b\n"
            "def step(y):\n    g = grad(F(y), y)\n    return y - g / grad(g, y)\n"
            "f = step(step(step(0.1)))",
            newton,
        ),
        "residual of a network": (
            "u = tanh(t[:, None] * w[None, :]) @ (W @ v)\nu_t = grad(sum(u), t)\nu_tt = grad(sum(u_t), t)\n"
            "f = mean((u_tt + a * u_t - b * u**2)**2)",
            pinn,
        ),
        "third order": (
            "y = a * b\nf = grad(grad(grad(sin(a * y) * exp(b * y), y), y), y)**2",
            lambda x, t, W, v, w, a, b: (
                grad(grad(grad(lambda y: jnp.sin(a * y) * jnp.exp(b * y))))(a * b) ** 2
            ),
        ),
        "unrolled steps": (
            "def fitted(w):\n    return mean((x @ w - t)**2)\n"
            "w1 = w - a * grad(fitted(w), w)\nw2 = w1 - a * grad(fitted(w1), w1)\nf = fitted(w2)",
            maml,
        ),
        "looped steps": (
            "def fitted(w):\n    return mean((x @ w - t)**2)\n"
            "z = w\nfor k in range(5):\n    z = z - 0.1 * a * grad(fitted(z), z)\nf = fitted(z) + a",
            looped,
        ),
        "momentum": (
            "def fitted(w):\n    return mean((x @ w - t)**2)\nz = w\nm = zeros(D)\n"
            "for k in range(4):\n    m = b * m + grad(fitted(z), z)\n    z = z - 0.1 * a * m\nf = sum(z**2)",
            momentum,
        ),
        "two names of a value": (
            "p = a\nq = a\nf = grad(p**3 * q + sin(q), q) * b + grad(p**3 * q + sin(q), p)",
            aliases,
        ),
        "two parameters of a value": (
            "def F(p, q):\n    return p**3 * q + sin(q)\n"
            "def by_p(p, q):\n    return grad(F(p, q), p)\ndef by_q(p, q):\n    return grad(F(p, q), q)\n"
            "f = by_q(a, a) * b + by_p(a, a)",
            aliases,
        ),
        "through values of its own": (
            "z = sin(w)\nf = sum(grad(sum(z**2 * w), w)**3)",
            below,
        ),
        "by a value on the way": (
            "h = x @ W\ng = grad(sum(exp(-h**2) @ v), h)\nf = sum(g**2)",
            inner_value,
        ),
        "a direction": (
            "y = tanh(x @ W)\nf = sum(jvp(y, x, outer(t, w))**2) + sum(y)",
            directional,
        ),
        "a Hessian times a vector": (
            "g = grad(sum(exp(x @ w) * t), w)\nf = sum(jvp(g, w, w * a)**2)",
            product,
        ),
        "the gradient of a direction's": (
            "f = grad(jvp(exp(a * b) * b, b, 1.5), a)**2",
            mixed,
        ),
        "two at once": (
            "g, h = grad(sum((tanh(x @ W) @ v)**2), W, v)\nf = sum(g**2) * sum(h)",
            pair,
        ),
        "of a loop": (
            "h = 0.0\nfor i in range(N):\n    h = tanh(h + x[i] @ w)\nf = sum(grad(h**2, w)**2) + h**2",
            recurrent,
        ),
        "of a branch": (
            "if b > 0:\n    y = exp(a * b)\nelse:\n    y = a**2\ng = grad(y, a)\nf = g * grad(g, a)",
            chosen,
        ),
        "in a branch": (
            "y = exp(a * b)\nif b > 0:\n    f = grad(y, a) * grad(grad(y, a), a)\nelse:\n    f = a",
            chosen,
        ),
        "in a generator": (
            "f = sum(sum(grad(sin(x[i] @ w) * t[i], w)**2) for i in range(N))",
            loop_of_gradients,
        ),
        "in a loop, of what is outside": (
            "y = 2 * w\nz = sum(y**3)\nf = 0.0\nfor i in range(N):\n    f = f + t[i] * sum(grad(z * t[i], w))",
            outside,
        ),
        "a stable form": (
            "f = sum(grad(sum(log(1 + exp(3 * (x @ w)))), w)**2)",
            logistic,
        ),
        "of an entropy": (
            "p = softmax(x @ w)\nf = sum(grad(-sum(p * log(p)), p) * t)",
            attention,
        ),
        "stop_gradient": (
            "f = grad(a**3 * stop_gradient(exp(a * b)), a)**2",
            stopped,
        ),
        "Hamilton's equations": (
            "def energy(q, p):\n    return p**2 / 2 + a * (1 - cos(q))\nq = b\np = 1.0\n"
            "for k in range(6):\n    p = p - 0.1 * grad(energy(q, p), q)\n    q = q + 0.1 * grad(energy(q, p), p)\n"
            "f = q**2 + p",
            ode,
        ),
        "a row's gradient in a loop": (
            "def slope(y):\n    return grad(tanh(y @ W) @ v, y)\n"
            "f = 0.0\nfor i in range(N):\n    f = f + (sum(slope(x[i])**2) - 1)**2 / N",
            wasserstein,
        ),
        "by the solution of a system": (
            "y = solve(W.T @ W + eye(H), v)\nf = sum(grad(sum(cosh(y)**2), y)**2)",
            implicit,
        ),
        "an adjoint of its own": (
            "def sq(p):\n    return p**2\nadjoint sq(p, d):\n    return 2 * p * d * 3\n"
            "f = grad(sq(a), a)**2 + b",
            straight,
        ),
    }
