"""What the emitted comments and docstrings say about particular ops."""

from __future__ import annotations

from collections.abc import Iterable

# Beside the adjoint of a line that holds the op.
ADJOINT = {
    "relu": "relu passes the gradient where its argument is positive",
    "maximum": "a maximum passes the gradient to the larger one",
    "minimum": "a minimum passes the gradient to the smaller one",
    "max": "a max passes the gradient to the first largest element",
    "min": "a min passes the gradient to the first smallest element",
    "where": "each branch gets the gradient where it was taken",
    "clip": "clip passes the gradient strictly between the bounds",
    "sigmoid": "sigmoid' = sigmoid * (1 - sigmoid)",
    "tanh": "tanh' = 1 - tanh**2",
    "softplus": "softplus' = sigmoid",
    "log_sigmoid": "log_sigmoid'(x) = sigmoid(-x)",
    "cross_entropy": "softmax less one-hot",
    "softmax": "softmax' g = p * (g - sum(p * g))",
    "gather": "what was gathered more than once gets the sum",
    "abs": "abs' = sign",
    "window_argmax": "a max pool passes the gradient to the first largest element of each window",
    "patches": "each weight meets the patches that it was multiplied by",
    "erf": "erf' = 2 / sqrt(pi) * exp(-x**2)",
    "erfc": "erfc' = -2 / sqrt(pi) * exp(-x**2)",
    "log_erfc": "log(erfc)' = -2 / sqrt(pi) / erfcx",
    "lgamma": "lgamma' = digamma",
    "digamma": "digamma' = polygamma(1)",
    "lbeta": "lbeta(a, b)' by a = digamma(a) - digamma(a + b)",
    "det": "det' is the matrix of cofactors",
    "log_abs_det": "log|det|' is the inverse transposed",
    "log_det": "log(det)' is the inverse transposed",
    "inv": "inv' g = -z.T @ g @ z.T",
    "solve": "of a x = b: u with a.T u = g to b, -u x.T to a",
    "solve_triangular": "of t x = b: u with t.T u = g to b, the triangle of -u x.T to t",
    "cholesky": "l^-T p l^-1 made symmetric, p = tril(l.T @ g) with half its diagonal",
}

# At points where a derivative is a convention.
KINKS = {
    "relu": "relu'(0) = 0",
    "abs": "abs'(0) = 0",
    "maximum": "maximum takes its second argument at a tie",
    "minimum": "minimum takes its second argument at a tie",
    "max": "max takes the first of equals",
    "min": "min takes the first of equals",
    "window_argmax": "a max pool takes the first of equals",
    "clip": "clip' = 0 at its bounds",
    "sqrt": "sqrt'(0) = inf",
    "norm": "norm' = 0 at 0",
    "std": "std' = 0 at a constant",
    "hypot": "hypot' = 0 at (0, 0)",
    "elu": "elu'(0) = alpha",
}


def adjoint_note(ops: Iterable[str]) -> str:
    """The note on the first of the ops that has one."""
    return next((ADJOINT[op] for op in ops if op in ADJOINT), "")


def kinks(ops: Iterable[str]) -> list[str]:
    """The conventions that a model's derivative rests on."""
    present = set(ops)
    return [text for op, text in KINKS.items() if op in present]
