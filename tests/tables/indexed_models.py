"""Models whose derivatives need indices, with lines of their derivations.

INDEXED["k-means"].lines        ("k*[n] = argminₖ u1[n, k]", …), without the spaces that align equations
"""

from __future__ import annotations

from typing import NamedTuple


class Indexed(NamedTuple):
    text: str
    lines: tuple[str, ...]


_IMAGES = "dim N\ninput x: real[N, 2, 6, 6]\nparam K: real[3, 2, 3, 3]\n"

INDEXED: dict[str, Indexed] = {
    "k-means": Indexed(
        "dim N, D, K\ninput x: real[N, D]\nparam c: real[K, D]\n"
        "loss L = sum(min(sum((x[:, None] - c[None])**2, axis=2), axis=1))\n",
        ("argminₖ u1[n, k]", "(∂L/∂c)[k, d] = −2 Σₙ 1[k*[n] = k] (x[n, d] − c[k, d])"),
    ),
    "largest of all": Indexed(
        "dim N, D\nparam x: real[N, D]\nloss L = max(x**2)\n",
        ("argmax_n,d x[n, d]²",),
    ),
    "scans": Indexed(
        "dim N\ninput x: real[N]\nparam w: real[N]\n"
        "a = cumsum(w * x)\nb = cumprod(w)\nloss L = sum((a + b)**2)\n",
        ("Σ_(i ≤ n) w[i] x[i]", "Σ_(i ≥ n) ", "∏_(i < n) w[i]"),
    ),
    "arrangement": Indexed(
        "dim N\nparam w: real[N]\nc = roll(w, 1) * flip(w, 0)\n"
        "loss L = sum(pad(c, 2, constant_values=0.5)**3) + max(pad(w, 1))\n",
        ("w[(n − 1) mod N]", "w[N − 1 − n]"),
    ),
    "joined": Indexed(
        "dim N, M\nparam a: real[N]\nparam b: real[M]\n"
        "c = concatenate(a**2, b * 3, a, axis=0)\nloss L = sum(c[1:] * c[:-1])\n",
        ("c[i] = {a[i]² if i < N, 3 b[i − N] if i < M + N, else a[i − (M + N)]}",),
    ),
    "pool": Indexed(
        f"{_IMAGES}h = max_pool2d(conv2d(x, K), 2)\nloss L = sum(h**2)\n",
        ("argmaxₗₘ u1[n, i, 2 j + l, 2 k + m]", "maxₗₘ u1[n, i, 2 j + l, 2 k + m]"),
    ),
    "pool with a rim": Indexed(
        "dim N\ninput x: real[N, 1, 6, 6]\nparam K: real[2, 1, 3, 3]\n"
        "h = max_pool2d(conv2d(x, K), 3, stride=1, padding=1)\nloss L = sum(h**2)\n",
        (
            "max_(l, m: 0 ≤ j + l − 1 < 4",
            "and 0 ≤ k + m − 1 < 4) u1[n, i, j + l − 1, k + m − 1]",
        ),
    ),
    "pools in a loop": Indexed(
        "dim N\nconst T = 2\ninput x: real[N, 1, 3, 3]\nparam K: real[1, 1, 3, 3]\nh = x\nfor t in range(T):\n"
        "    h = max_pool2d(conv2d(h, K, padding=1), 3, stride=1, padding=1)\nloss L = sum(h**2)\n",
        ("s*⁽ᵗ⁾[n, 0, j, k]", "1[s*⁽ᵗ⁾["),
    ),
    "extremes in a loop": Indexed(
        "dim N, T, K\ninput x: real[T, N]\nparam c: real[K]\nparam w: real[T]\ns = 0.0\nfor t in range(T):\n"
        "    d = min((x[t][:, None] - c[None])**2, axis=1)\n"
        "    s = s * w[t] + sum(d) + max(x[t] * w[t])\nloss L = s\n",
        ("k*[t, n]   = argminₖ u1⁽ᵗ⁾[n, k]",),
    ),
    "embedding": Indexed(
        "dim N, V, D\ninput w: int[N] in range(V)\nparam E: real[V, D]\nloss L = sum(E[w]**2)\n",
        ("1[w[n] = v]",),
    ),
    "residuals": Indexed(
        "dim N\ninput x, y: real[N]\nparam b1, b2: real\nparam v: real[N]\n"
        "output r = b1 * (1 - exp(-b2 * x)) - y + v**3\ngrad r wrt b1, b2, v\n",
        ("∂r[n]/∂b1   = 1 − u1[n]", "∂r[n]/∂b2   = b1 x[n] u1[n]", "∂r[n]/∂v[i] = 3 1[n = i] v[n]²"),
    ),
    "layer": Indexed(
        "dim N, M\ninput x: real[N]\nparam W: real[M, N]\nparam b: real[M]\n"
        "output y = tanh(W @ x + b)\ngrad y wrt W, b, x\n",
        ("∂y[m]/∂W[i, n] = 1[m = i] x[n] (1 − y[m]²)", "∂y[m]/∂x[n]    = W[m, n] (1 − y[m]²)"),
    ),
    "linear": Indexed(
        "dim N, M\ninput x: real[N]\nparam W: real[M, N]\noutput y = W @ x\ngrad y wrt x\n",
        ("∂y[m]/∂x[n] = W[m, n]",),
    ),
    "differences": Indexed(
        "dim N\nparam x: real[N]\noutput r = x[2:] - 2 * x[1:-1] + x[:-2]\ngrad r wrt x\n",
        ("∂r[n]/∂x[i] = 1[n + 2 = i] − 2 1[n + 1 = i] + 1[n = i]",),
    ),
    "normalised": Indexed(
        "dim N\nparam x: real[N]\noutput y = x / sqrt(sum(x**2))\ngrad y wrt x\n", ("∂y[n]/∂x[i] =",)
    ),
    "joined residuals": Indexed(
        "dim N\ninput y: real[N]\nparam x: real[N]\n"
        "output r = concatenate(x - y, 3 * (x[1:] - x[:-1]), axis=0)\ngrad r wrt x\n",
        ("∂r[n]/∂x[i] =",),
    ),
}
