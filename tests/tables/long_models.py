"""Models of any length, each long in a way of its own: what compiling costs must grow as they do.

>>> print(MODELS["chain"](2), end="")
param x: real
v0 = x
v1 = v0 * x + 0.5
v2 = sin(v1)
loss L = v2
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


def _text(*parts: str | Iterable[str]) -> str:
    lines = (line for part in parts for line in ([part] if isinstance(part, str) else part))
    return "\n".join(lines) + "\n"


def _steps(n: int, name: str, first: int, *forms: str) -> Iterator[str]:
    """Lines of which each goes on from the one before, in each form in turn."""
    for i in range(first, n + first):
        yield f"{name}{i} = {forms[(i - first) % len(forms)].format(f'{name}{i - 1}', i)}"


def chain(n: int) -> str:
    forms = "{0} * x + 0.5", "sin({0})", "{0} + x * 0.1"
    return _text("param x: real", "v0 = x", _steps(n, "v", 1, *forms), f"loss L = v{n}")


def tangle(n: int) -> str:
    """Each line of the last and of one of the twenty before it."""
    forms = ("{0} * {1}", "{0} + {1}", "sin({0}) - {1}", "{0} / (1 + {1}**2)", "maximum({0}, {1})")
    lines = (
        f"v{i} = {forms[i % 5].format(f'v{i - 1}', f'v{max(0, i - 1 - i * i % 20)}')}"
        for i in range(1, n + 1)
    )
    return _text("param x, y: real", "v0 = x * y", lines, f"loss L = v{n}")


def fan(n: int) -> str:
    lines = (f"v{i} = sin(x * {i}.5) * y" for i in range(n))
    return _text("param x, y: real", lines, f"loss L = {' + '.join(f'v{i}' for i in range(n))}")


def long_sum(n: int) -> str:
    terms = (f"sin(y * {i})" if i % 2 else f"x * {i}.5" for i in range(n))
    return _text("param x, y: real", f"loss L = {' + '.join(terms)}")


def long_product(n: int) -> str:
    factors = (f"sin(y * {i + 1})" if i % 2 else f"(x + {i}.5)" for i in range(n))
    return _text("param x, y: real", f"loss L = {' * '.join(factors)}")


def arrays(n: int) -> str:
    forms = "tanh({0})", "{0} + w", "{0} * 0.5 + X"
    head = "dim N, D", "input X: real[N, D]", "param w: real[D]", "v0 = X * w"
    return _text(head, _steps(n, "v", 1, *forms), f"loss L = sum(v{n}**2)")


def layers(n: int) -> str:
    params = (line for i in range(n) for line in (f"param W{i}: real[D, D]", f"param b{i}: real[D]"))
    lines = (f"h{i + 1} = tanh(h{i} @ W{i} + b{i})" for i in range(n))
    head = "dim N, D", "input X: real[N, D]"
    return _text(head, params, "h0 = X", lines, f"loss L = mean(h{n}**2)")


def params(n: int) -> str:
    return _text(
        (f"param p{i}: real" for i in range(n)), f"loss L = {' + '.join(f'p{i}**2' for i in range(n))}"
    )


def outputs(n: int) -> str:
    return _text(
        "param x, y: real", (f"output o{i} = sin(x * {i}.5) * y" for i in range(n)), "loss L = x * o0"
    )


def calls(n: int) -> str:
    head = "param x, y: real", "def f(a, b):", "    c = sin(a) * b", "    return c + a", "v0 = x"
    return _text(head, _steps(n, "v", 1, "f({0}, y)"), f"loss L = v{n}")


def elements(n: int) -> str:
    """Numbers that are picked from an array of known size."""
    head = f"dim K = {n + 1}", "param w: real[K]", "v0 = w[0]"
    return _text(head, _steps(n, "v", 1, "tanh({0} * w[{1}])"), f"loss L = v{n}")


def choices(n: int) -> str:
    form = "({0} * y if {0} > 0 else sin({0}))"
    return _text("param x, y: real", "v0 = x", _steps(n, "v", 1, form), f"loss L = v{n}")


def loop_body(n: int) -> str:
    forms = "{0} * x + 0.5", "sin({0})", "{0} + x * 0.1"
    body = (f"    {line}" for line in _steps(n, "v", 1, *forms))
    head = "dim T", "input u: real[T]", "param x: real", "h = x", "for t in range(T):", "    v0 = h * u[t]"
    return _text(head, body, f"    h = v{n}", "loss L = h")


def loops(n: int) -> str:
    """One after the other."""
    lines = (
        line
        for i in range(1, n + 1)
        for line in (f"g{i} = h{i - 1}", "for t in range(T):", f"    g{i} = tanh(g{i} * u[t] + x)",
                     f"h{i} = g{i}")
    )  # fmt: skip
    return _text("dim T", "input u: real[T]", "param x: real", "h0 = x", lines, f"loss L = h{n}")


def states(n: int) -> str:
    """A loop that carries many values."""
    begin = (f"h{i} = x * {i}.0" for i in range(n))
    steps = (f"    h{i} = tanh(h{i} + u[t] * h{(i + 1) % n})" for i in range(n))
    head = "dim T", "input u: real[T]", "param x: real"
    return _text(
        head, begin, "for t in range(T):", steps, f"loss L = {' + '.join(f'h{i}' for i in range(n))}"
    )


MODELS: dict[str, Callable[[int], str]] = {
    model.__name__: model
    for model in (
        chain, tangle, fan, long_sum, long_product, arrays, layers, params, outputs, calls, elements, choices,
        loop_body, loops, states,
    )
}  # fmt: skip
