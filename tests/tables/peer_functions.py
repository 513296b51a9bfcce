"""Functions with loops, branches and calls, after the peers' tests of control flow.

`PRELUDE` is Python and this language at once: as Python it is the reference.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any

import numpy as np
from peers import REFERENCE, Row, draw, row

PRELUDE = """\
def mul(a, b):
    return a * b
def add(a, b):
    return a + b
def saxpy(a, b, c):
    return add(mul(a, b), c)
def steps(a, b, c):
    product = a * b
    shifted = product + c
    return shifted
def named_like_an_adjoint(a):
    d_a = a * a
    return d_a
def signs(a):
    if a > 0:
        b = a * 3.0
    else:
        b = a * 2.0
    return b
def three_signs(a):
    if a > 0:
        b = a * 3.0
    elif 0 > a:
        b = a * 2.0
    else:
        b = 1.0 * a
    return b
def nested_if(a):
    b = a
    if a > 0:
        if a < 10:
            b = a * a
    else:
        b = 3.0 * a
    return b
def branches(a):
    if a * a / 3.0 > 0:
        b = 3.0
    else:
        b = 4.0
    c = a * b
    if c < b - c * b:
        r = c * c
    elif c > b + 3.0 * c:
        if c / 2.0 < 0:
            r = c / b
        else:
            r = c * b
    else:
        r = -c
    return r
def early(a):
    if a > 1:
        return a * a
    if a > 0:
        return 3.0 * a
    return sin(a)
def serial_if(a):
    b = a
    if a > 0:
        b = a * a
    c = b + b
    d = c
    if c < 0:
        d = 3.0 * c
    return d
def of_two(a, b):
    if a > b:
        c = a * a
    else:
        c = a * b
    return c
def deep_if(a):
    b = a
    if a > 0:
        b = a * 3.0
        if b < 10:
            b = b * b
        else:
            b = b * 2.0
    return b
def serial_for(a, n):
    b = a
    for i in range(n):
        b = b * b
    c = 2.0 * b
    for i in range(n + 1):
        c = c * 3.0
    return c
def if_then_for(a, n):
    b = a
    if a > 0:
        b = a * a
    c = 2.0 * b
    for i in range(n):
        c = c * c
    return c
def for_then_if(a, n):
    b = a
    for i in range(n):
        b = b * b
    c = 2.0 * b
    d = c
    if c > 0:
        d = c * c
    return d
def power_from_one(a):
    out = 1.0
    for i in range(3):
        out = out * a
    return out
def power(a, n):
    out = a
    for i in range(n):
        out = out * out
    return out
def power_where_small(a):
    out = a
    for i in range(3):
        if out < 20:
            out = out * out
    return out
def power_if_small(a):
    out = a
    if a < 20:
        for i in range(3):
            out = out * out
    return out
def nested_for(a):
    out = a
    for i in range(2):
        for j in range(3):
            out = out * sin(out) + 0.1 * i - 0.2 * j
    return out
def triangle_for(a, n):
    out = a
    for i in range(n):
        for j in range(i, n):
            out = 0.9 * out + sin(out * (i + 1)) / (j + 1)
    return out
def cubes(a):
    out = a
    for i in range(3):
        out = out * out * out
    return out
def calls_in_if(a, b):
    if a > b:
        o = mul(a, b)
    else:
        o = mul(b, a)
    return o
def calls_in_for(a, n):
    out = a
    for i in range(n):
        out = mul(out, out)
    return out
def calls_calls(a, b):
    return calls_in_if(a, b) + mul(saxpy(a, b, a), b)
def augmented(a):
    x = 1.0 * a
    for i in range(1):
        x *= x
        x += a
        x -= 2.0
        x /= 3.0
    return x
def halved(a):
    out = a
    while abs(out) > 0.1:
        out = out * 0.5
    return out
def newton(a):
    z = 1.0
    while abs(z * z - a) > 1e-12:
        z = (z + a / z) / 2
    return z
def counted_while(a, n):
    k = 0
    out = a
    while k < n and out < 50:
        if out > 1:
            out = out * out
        else:
            out = out + 1.0
        k += 1
    return out
def while_in_for(a, n):
    total = 0.0
    for i in range(n):
        z = a + i
        while z > 1:
            z = z / 2
        total += z * z
    return total
def for_in_while(a):
    out = a
    while out < 100:
        for i in range(2):
            out = out * 1.5 + a
    return out
def element_by_element(x):
    y = zeros(5)
    for i in range(5):
        y[i] = x[i]
    return sum(y)
def rows(x):
    h = zeros((5, 3))
    for t in range(5):
        h[t] = x[t] * x[t, 0]
    return sum(h)
def recurrence(x, w):
    h = zeros((5, 3))
    for t in range(4):
        h[t + 1] = tanh(x[t] @ w + h[t])
    return sum(h[1:])
def backwards(x):
    total = 0.0
    for i in range(4, -1, -1):
        total = total * 0.5 + x[i]
    return total
def running(x):
    best = x[0]
    for i in range(1, 5):
        if x[i] > best:
            best = x[i]
    return best
def horner(x, a):
    p = 0.0
    for i in range(5):
        p = p * a + x[i]
    return p
def swapped(a, b, n):
    p = a
    q = b
    for i in range(n):
        r = p
        p = q * 0.5 + r
        q = r
    return p * q
def two_results(a, b):
    return sqrt(a**2 + b**2), arctan2(a, b)
def polar(a, b):
    r, theta = two_results(a, b)
    return r * theta
def unused(a, b):
    c = exp(b)
    return a * a
def logistic(x, label, w, b):
    p = 0.5 * (tanh(x @ w + b) + 1)
    return -sum(log(p * label + (1 - p) * (1 - label)))
def cell(x, h, u, w, b):
    return sum(tanh(x @ w + h @ u + b))
def complicated(a, b, c, d, e, f=1.1, g=9.0):
    return a + sin(b) + cosh(c) + cos(d) + tan(e) + f + g
def bar(x, y):
    return 2 * x + y + 5
def checked(x):
    assert all(abs(x * 3.0 / 3.0 - x) < 1e-9), "three thirds"
    return sum(x)
def fanout(a):
    b = a + 1.0
    c = b + 1.5
    d = a + b
    return d + c
def fanout_of_element(a):
    b = a + 1.0
    c = b[0] + 1.5
    d = a + b
    return d + c
"""


def _sum(x: Any, **options: Any) -> Any:
    return np.sum(list(x) if isinstance(x, GeneratorType) else x, **options)


REFERENCE["sum"] = _sum
exec(PRELUDE, REFERENCE)

SIGNS = (2.3, -1.7, 0.6)


def of_one(peer: str, *texts: str, points: tuple[float, ...] = SIGNS) -> list[Row]:
    return [row(peer, text, a=np.array(p)) for text in texts for p in points]


def counted(peer: str, *texts: str, points: tuple[float, ...] = (1.1, -0.8)) -> list[Row]:
    return [
        row(peer, text, a=np.array(p), n=np.array(n)) for text in texts for p in points for n in (0, 1, 3)
    ]


V = draw((5,), -2, 2)
GROUPS: dict[str, list[Row]] = {
    "straight lines": [
        *of_one("tangent", "a", "-a", "a + 1", "a * 3.0", "3.0 * a", "a * a", "a / 3.0", "3.0 / a", "a / a", "a - 3.0", "3.0 - a", "a - a", "a + 3.0", "3.0 + a", "a + a",
                "named_like_an_adjoint(a)", "a * a * a", "a**3", "sum([1, a * a, 2])", "[1.0, a, 3.0][0] * [1.0, a, 3.0][1]", "exp(exp(a / 3))", "augmented(a)", "a**2.0", "square(square(a)) * square(a)", points=(2.3, -1.7)),
        *(row("tangent", text, a=(), b=(), c=()) for text in ("a * b + c", "saxpy(a, b, c)", "steps(a, b, c)", "polar(a, b)", "two_results(a, b)[0]", "unused(a, b)", "[a, b, c][1]", "sum([a, b, c]) * c")),
        *(row("tangent", text, x=V) for text in ("sum(x)", "sum(x) * sum(x)", "x[0] * x[1]", "sum([1, x[0] * x[1] * x[2], 3])", "mean(x)", "sum(x[1:])", "sum(x[::2, None])", "sum(i * x[i] for i in range(5))")),
        row("tangent", "logistic(x, y, w, b)", x=(4, 3), y=np.array([1, 0, 0, 1]), w=(3,), b=()),
        row("tangent", "cell(x, h, u, w, b)", x=(3,), h=(2,), u=(2, 2), w=(3, 2), b=(2,)),
        row("tangent", "a**b", a=np.array(1.7), b=np.array(2.4)), row("tangent", "x @ w", x=(3, 4), w=(4, 2)), row("tangent", "x.T @ w.T", x=(4, 3), w=(2, 4)),
        *of_one("autograd", "sin(sin(a) + sin(a))", "fanout(a)", "a * 1.0", "bar(a, a / 3.0) + bar(a, a**2)", "3.0 * abs(a)", "3.0 * sign(a)", "3.0 * sin(a)", "3.0 * -a"),
        row("autograd", "3.0 * a**3.2", a=np.array(1.7)), row("autograd", "a**2 if p else sum(a)", "a**2 if p else a", a=np.array(2.0), p=np.array(False)),
        *(row("autograd", text, x=V) for text in ("fanout(x)", "fanout_of_element(x)", "sum(sin(x)**2)", "checked(x)", "x + sin(x) + cosh(x)", "sum(sin(x), keepdims=true)", "roll(sin(x), 1)", "x @ x * x")),
        row("autograd", "x @ w @ x", x=(5,), w=(5, 5)), row("autograd", "complicated(a, b, c, d, e, f=0.6, g=-0.1)", a=(), b=(), c=(), d=(), e=np.array(0.7)), row("autograd", "sin(x @ w)", x=(5,), w=(5,)),
        row("autograd", "sin(sin(a) + sin(b))", a=(), b=()), row("autograd", "sum(x + sin(y))", x=(3,), y=(3,)), row("autograd", "a + sin(a) + cosh(y)", a=(), y=(10,)),
    ],
    "branches": [
        *of_one("tangent", "signs(a)", "three_signs(a)", "nested_if(a)", "branches(a)", "serial_if(a)", "deep_if(a)", "early(a)", "power_where_small(a)", "power_if_small(a)"),
        *of_one("tangent", "nested_if(a)", "deep_if(a)", "branches(a)", points=(12.5, -12.5, 3.6)),
        *(row("tangent", text, a=np.array(a), b=np.array(b)) for text in ("of_two(a, b)", "calls_in_if(a, b)", "calls_calls(a, b)") for a, b in ((1.5, -0.3), (-0.3, 1.5))),
        *of_one("lax", "2.0 * a if a > 0 else a * a", "sin(a) if a > 0 else cos(a)", "(a if a > 1 else 2 * a) * (3 * a if a < 0 else a)"),
    ],
    "loops": [
        *counted("tangent", "serial_for(a, n)", "if_then_for(a, n)", "for_then_if(a, n)", "power(a, n)", "calls_in_for(a, n)"),
        *of_one("tangent", "power_from_one(a)", "cubes(a)", "nested_for(a)", points=(1.1, -0.8)),
        *of_one("tangent", "halved(a)", points=(5.0, 0.05, -3.0)),
        *(row("tangent", text, x=V, fixed=True) for text in ("element_by_element(x)", "backwards(x)", "running(x)", "sum(3 * x[i] for i in range(5))", "sum(sum(x[i] * x[j] for j in range(i)) for i in range(5))")),
        row("tangent", "rows(x)", x=(5, 3), fixed=True), row("tangent", "recurrence(x, w)", x=(4, 2), w=(2, 3), fixed=True),
        *of_one("lax", "newton(a)", "for_in_while(a)", points=(2.0, 0.7)),
        *counted("lax", "counted_while(a, n)", "while_in_for(a, n)", "triangle_for(a, n)", points=(2.2, 0.4)),
        row("lax", "horner(x, a)", x=V, a=(), fixed=True), *(row("lax", "swapped(a, b, n)", a=(), b=(), n=np.array(n)) for n in (0, 1, 2, 7)),
    ],
}  # fmt: skip
