"""What forward saves: all that backward needs, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.api import compile, module_of

X = np.array([[0.3, -1.2, 0.7], [1.5, 0.1, -0.4]])
HEAD = "dim N, M\nparam x: real[N, M]\n"

# statements, the fields of the cache at -O1
SAVED = [
    ("loss L = sum(x ** 2)", {"x"}),
    ("loss L = sum(x.T ** 2)", {"x"}),
    ("h = exp(x)\nloss L = sum(h * h)", {"h"}),
    ("loss L = sum(log(sigmoid(x)) * x)", {"x", "softplus"}),  # -x is made again
    ("loss L = sum(log(sigmoid(x.T)))", {"x"}),  # an argument is there anyway
    ("loss L = sum(log(sigmoid(reshape(x.T, -1))))", {"x"}),
    ("loss L = sum(where(not x.T > 0, x.T, 0))", {"x"}),
    ("h = exp(x)\nloss L = sum(log(sigmoid(h.T)))", {"h"}),  # what exp's adjoint needs anyway
    ("h = exp(x)\nloss L = sum(where(not h.T > 0, h.T, 0))", {"h"}),  # the adjoint of exp needs it
    ("loss L = sum(reshape(exp(x), -1) ** 2)", {"exp_x"}),
    ("i = argmax(x, axis=0)\nloss L = sum(reshape(exp(x)[i], -1) ** 2)", {"i", "exp_x", "picked"}),
]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("text", "saved"), SAVED, ids=[text for text, _ in SAVED])
def test_what_is_saved(text: str, saved: set[str], level: int) -> None:
    module = module_of(compile(f"{HEAD}{text}\n", level=level), "m")
    _, cache = module.forward(X)
    if level == 1:
        assert set(cache._fields) == saved
    expected = module.value_and_grad(X)[1].x
    np.testing.assert_allclose(module.backward(cache).x, expected, rtol=1e-14)
