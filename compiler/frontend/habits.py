"""What other systems call things: the words that users bring along, and the ones to use here.

y = ln(x)           no function `ln`        help: write `log(…)`
s = sum(x, dim=0)   `sum` has no argument `dim`     help: write `axis`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autodiffc.grammar.diagnostics import suggestion

# Functions under another name.
_FUNCTIONS = {
    "ln": "log", "acos": "arccos", "asin": "arcsin", "atan": "arctan", "atan2": "arctan2",
    "acosh": "arccosh", "asinh": "arcsinh", "atanh": "arctanh", "fabs": "abs", "absolute": "abs",
    "expit": "sigmoid", "logistic": "sigmoid", "swish": "silu", "sgn": "sign", "fmax": "maximum",
    "fmin": "minimum", "amax": "max", "amin": "min", "cat": "concatenate", "concat": "concatenate",
    "hstack": "concatenate", "vstack": "concatenate", "append": "concatenate", "view": "reshape",
    "permute": "transpose", "unsqueeze": "expand_dims", "flatten": "ravel", "average": "mean",
    "reduce_sum": "sum", "reduce_mean": "mean", "reduce_max": "max", "reduce_min": "min",
    "mean_squared_error": "mse", "mse_loss": "mse", "l1_loss": "mae", "mean_absolute_error": "mae",
    "smooth_l1_loss": "huber", "bce": "binary_cross_entropy", "clamp": "clip", "identity": "eye",
    "gather": "embedding", "take": "embedding", "log_sum_exp": "logsumexp",
    "gammaln": "lgamma", "loggamma": "lgamma", "psi": "digamma", "betaln": "lbeta", "Phi": "ndtr",
    "normal_cdf": "ndtr", "norm_cdf": "ndtr",
    "inverse": "inv", "empty": "zeros", "tensordot": "einsum",
}  # fmt: skip

_SIZES = "sizes are dims: `dim N` and `input x: real[N]` name them, and `N` is an int to compute with"
_DRAWN = "a model draws no numbers: make them an `input`, or an initial value with `param … = normal()`"
# Functions that something else than a function stands for.
_INSTEAD = {
    "pow": "a power is `x**y`", "power": "a power is `x**y`", "mm": "a product of matrices is `a @ b`",
    "bmm": "a product of matrices is `a @ b`", "multiply": "a product is `a * b`",
    "divide": "a quotient is `a / b`", "add": "a sum is `a + b`", "subtract": "a difference is `a - b`",
    "negative": "write `-x`", "float": "ints become real by themselves",
    "real": "ints become real by themselves", "int": "`floor(x)` and `round(x)` give whole numbers, as reals",
    "gamma": "for x > 0 it is `exp(lgamma(x))`",
    "len": _SIZES, "shape": _SIZES, "size": _SIZES, "ndim": _SIZES, "rand": _DRAWN, "randn": _DRAWN,
    "random": _DRAWN, "normal": _DRAWN, "uniform": _DRAWN, "array": "an array is `[a, b]`",
    "tensor": "an array is `[a, b]`", "list": "an array is `[a, b]`", "asarray": "an array is `[a, b]`",
    "tuple": "a tuple is `(a, b)`", "isnan": "`x != x` is true where x is nan",
    "print": "a value to look at is an `output`", "range": "an array of ints is `arange(n)`",
}  # fmt: skip
# Keyword arguments under another name.
_ARGUMENTS = {
    "dim": "axis", "dims": "axis", "axes": "axis", "keepdim": "keepdims", "keep_dims": "keepdims",
    "a_min": "lo", "min": "lo", "a_max": "hi", "max": "hi", "min_val": "lo", "max_val": "hi",
    "negative_slope": "slope", "alpha": "slope", "num_classes": "classes", "depth": "classes",
    "weight": "gamma w", "bias": "beta b", "kernel_size": "kernel", "running_mean": "mean",
    "running_var": "var", "correction": "ddof", "label": "target", "labels": "target",
    "p": "ord rate", "input": "x", "fill_value": "value", "repeats": "reps", "order": "ord", "epsilon": "eps",
}  # fmt: skip
_VALUES = {"infinity": "inf", "Infinity": "inf", "null": "None", "NaN": "nan", "newaxis": "None"}
_ATTRIBUTES = frozenset(["shape", "size", "ndim"])
_MODULES = frozenset(["np", "numpy", "jnp", "math", "torch", "scipy", "F", "nn", "tf"])


def name_help(name: str, is_known: Callable[[str], bool]) -> str:
    """What to write in place of a value that is not defined."""
    if name in _VALUES:
        return f"write `{_VALUES[name]}`"
    # `xᵀ` is the name `xT` to Python.
    return f"a transpose is `{name[:-1]}.T`" if name[-1] == "T" and is_known(name[:-1]) else ""


def function_help(name: str, known: Iterable[str]) -> str:
    """What to write in place of a function that does not exist."""
    if name in _INSTEAD:
        return _INSTEAD[name]
    return f"write `{_FUNCTIONS[name]}(…)`" if name in _FUNCTIONS else suggestion(name, known)


def argument_help(name: str, known: Iterable[str]) -> str:
    """What to write in place of a keyword argument that a function does not take."""
    names = tuple(known)
    meant = [other for other in _ARGUMENTS.get(name, "").split() if other in names]
    return f"write `{meant[0]}`" if meant else suggestion(name, names)


def attribute_help(base: str, name: str, functions: Iterable[str]) -> str:
    """What to write in place of `base.name`."""
    if name in _ATTRIBUTES:
        return _SIZES
    if base in _MODULES:
        return f"names have no module's name before them: write `{name}`"
    known = name if name in functions else _FUNCTIONS.get(name)
    called = f"`{known}({base})`" if base.isidentifier() else f"`{known}(…)`"
    return f"only `.T` exists; functions are called: {called}" if known else "only `.T` exists"
