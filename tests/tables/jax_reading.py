"""A model file read as JAX code: an opinion of its value and its gradient that shares nothing with the compiler.

    f = reading(text, sizes)
    f(arguments)                         the loss
    jax.grad(f)(arguments)

The language looks so much like Python that lines are translated one by one: declarations go, an element of a
`var` is set as JAX does it, `while … max` counts. Loops and branches are Python's own. Functions are those of
jax.numpy and jax.scipy, or their textbook formulas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import linalg, special

jax.config.update("jax_enable_x64", True)

_DECLARED = re.compile(r"(dim|input|const|param|grad|model|output) ")
_INT = re.compile(r"-?\d+")


def reading(text: str, sizes: Mapping[str, int], result: str = "L") -> Callable[[Mapping[str, Any]], Any]:
    """The loss, or another value, as a function of all arguments."""
    lines = [line for statement in text.splitlines() for line in _line(_renamed(statement))]
    code = compile("\n".join(lines), "model", "exec")

    def loss(arguments: Mapping[str, Any]) -> Any:
        given = {_renamed(name): value for name, value in arguments.items()}
        scope = {**FUNCTIONS, **sizes, "K": 3, **given}
        exec(code, scope)
        return scope[result]

    return loss


def _renamed(line: str) -> str:
    """`lambda` is a name like another in a model, and no value hides a function."""
    return re.sub(r"\blambda\b", "lambda_", line)


def _line(line: str) -> Iterator[str]:
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    if _DECLARED.match(body):
        return
    if body.startswith("def "):
        yield from _function(body)
    elif match := re.fullmatch(r"var (\w+): real\[(.*)\]", body):
        yield f"{indent}{match[1]} = zeros({match[2]})"
    elif match := re.fullmatch(r"(\w+)\[(.*?)\] (\+?)= (.*)", body):
        yield f"{indent}{match[1]} = {match[1]}.at[{match[2]}].{'add' if match[3] else 'set'}({match[4]})"
    elif match := re.fullmatch(r"while (.*?)(?: max (.*))?:", body):
        yield f"{indent}for _ in range({match[2] or 10**6}):"
        yield f"{indent}    if not ({match[1]}): break"
    else:
        body = re.sub(r"^(\w+): real(\[[^]]*\])? =", r"\1 =", body)
        yield indent + body.removeprefix("loss ").replace(" checkpoint:", ":")


def _function(line: str) -> Iterator[str]:
    """A `def`; dims of its own get their sizes from its arguments."""
    params = re.findall(r"(\w+)(?:: real(?:\[([^]]*)\])?)?(?:, |\))", line.partition("(")[2])
    yield f"{line.partition('(')[0]}({', '.join(name for name, _ in params)}):"
    yield "    pass"
    for name, dims in params:
        for axis, dim in enumerate(dims.split(", ") if dims else ()):
            if dim in ("P", "Q"):
                yield f"    {dim} = shape({name})[{axis}]"


def _sized(make: Callable[..., Any]) -> Callable[..., Any]:
    """Sizes as a tuple or one by one."""
    return lambda *sizes: make(sizes[0] if isinstance(sizes[0], tuple) else sizes)


def _sum(x: Any, **options: Any) -> Any:
    if isinstance(x, (jax.Array, np.ndarray, float)):
        return jnp.sum(x, **options)
    return sum(x, start=0.0)


def _reduced(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False: f(x, axis=axis, keepdims=keepdims)


def _norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.sqrt(jnp.sum(x * x, axis=axis, keepdims=keepdims))


def _solve(a: Any, b: Any) -> Any:
    return jnp.linalg.solve(a, b)


def _clip(x: Any, lo: Any, hi: Any) -> Any:
    return jnp.where(x < lo, lo, jnp.where(x > hi, hi, x))


def _huber(x: Any, y: Any, delta: float) -> Any:
    r = jnp.abs(x - y)
    return jnp.where(r <= delta, r * r / 2, delta * (r - delta / 2))


def _conv(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    axes = jnp.ndim(x) - 2
    return jax.lax.conv_general_dilated(x, w, (stride,) * axes, ((padding, padding),) * axes)


FUNCTIONS: dict[str, Any] = {
    "true": True, "false": False, "e": np.e, "pi": np.pi, "shape": jnp.shape, "sum": _sum, "norm": _norm, "solve": _solve, "clip": _clip, "huber": _huber,
    **{name: getattr(jnp, name) for name in ["sin", "cos", "tan", "tanh", "sinh", "cosh", "exp", "expm1", "log", "log1p", "log2", "sqrt", "cbrt", "square", "abs", "sign", "arctan", "arcsin", "arcsinh", "arctan2", "maximum", "minimum", "where", "logaddexp", "cumsum", "cumprod", "flip", "roll", "outer", "diag", "trace", "pad", "repeat", "stack", "concatenate", "tril", "triu", "swapaxes", "einsum", "eye", "hypot"]},
    **{name: _reduced(getattr(jnp, name)) for name in ("mean", "max", "min", "prod", "var", "std")},
    **{name: getattr(jax.nn, name) for name in ("sigmoid", "softplus", "relu", "silu", "log_sigmoid", "softmax", "log_softmax", "elu")},
    **{name: getattr(special, name) for name in ("erf", "erfc", "digamma", "logsumexp", "xlogy")},
    "lgamma": special.gammaln, "ndtr": lambda x: 0.5 * special.erfc(-x / np.sqrt(2)), "lbeta": special.betaln,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False), "leaky_relu": jax.nn.leaky_relu, "hardtanh": lambda x: _clip(x, -1.0, 1.0),
    "binary_cross_entropy_with_logits": lambda x, t: t * jax.nn.softplus(-x) + (1 - t) * jax.nn.softplus(x),
    "zeros": _sized(jnp.zeros), "full": lambda shape, x: jnp.full(shape, x), "broadcast_to": jnp.broadcast_to,
    "reshape": lambda x, *sizes: jnp.reshape(x, sizes), "det": jnp.linalg.det, "slogdet": jnp.linalg.slogdet, "inv": jnp.linalg.inv,
    "logdet": lambda x: jnp.linalg.slogdet(x)[1], "cholesky": jnp.linalg.cholesky, "stop_gradient": jax.lax.stop_gradient,
    "arange": jnp.arange, "conv1d": lambda x, w, **o: _conv(x, w, **o), "conv2d": lambda x, w, b, **o: _conv(x, w, **o) + b[:, None, None],
    "avg_pool2d": lambda x, k: jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 1, k, k), (1, 1, k, k), "VALID") / k**2,
    "solve_triangular": lambda a, b, lower: linalg.solve_triangular(a, b, lower=lower),
}  # fmt: skip
