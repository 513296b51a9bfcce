"""What an emitted module shows: the values that forward() gives and keeps, the gradients of backward().

The module doesn't say what functions made its values, and so these are told by the values: what has exact
zeros and nothing below comes of a relu; what stays in [0, 1] or in [-1, 1] of a sigmoid or a tanh. Gradients
through depth are compared weight by weight, in the order in which the params are declared.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from autodiffc.compiler.ir import Array
from autodiffc.compiler.types import Dim

from .arguments import WrongData
from .places import unit_axis
from .seen import Broken, Deep, Layer, Learned, Observation, norm_of
from .words import list_of

Fields = Mapping[str, Array]
VARIED = 0.01  # of the elements are neither the smallest nor the largest, or it is a mask


def seen_in(
    module: ModuleType, given: Mapping[str, Any], sizes: Mapping[str, int] | None = None, seed: int = 0
) -> Observation:
    """An emitted module observed at these arguments; WrongData where they don't fit."""
    spec = getattr(module, "SPEC", None)
    if not isinstance(spec, dict) or not hasattr(module, "forward"):
        raise WrongData(f"{module.__name__} is no module that autodiffc has emitted")
    arguments = _arguments(module, given, sizes or {}, seed)
    with np.errstate(all="ignore"):
        outputs, cache = _forward(module, arguments, seed)
        kept = _arrays({**outputs._asdict(), **getattr(cache, "_asdict", dict)()})
        gradients = _backward(module, outputs, cache)
    values = {name: array for name, array in kept.items() if name not in arguments}
    weights = [arguments[name].shape for name in spec["params"]]
    params = tuple(_learned(spec["wrt"], arguments, gradients))
    value = kept.get(spec["target"])
    return Observation(
        spec["name"],
        spec["source"],
        _sizes(spec, arguments),
        spec["target"],
        float(value) if value is not None and not value.ndim else None,
        tuple(
            _layer(name, array, weights, name in outputs._fields)
            for name, array in values.items()
            if array.ndim
        ),
        params,
        depths=tuple(_depths(params)),
        broken=tuple(_broken(values, gradients)),
    )


def _arguments(
    module: ModuleType, given: Mapping[str, Any], sizes: Mapping[str, int], seed: int
) -> dict[str, Array]:
    spec = module.SPEC
    found = {name: np.asarray(given[name]) for name in (*spec["inputs"], *spec["params"]) if name in given}
    missing = [name for name in spec["inputs"] if name not in found]
    if missing:
        raise WrongData(f"the data lack {list_of(missing)}; they hold {list_of(list(given)) or 'nothing'}")
    if any(name not in found for name in spec["params"]):
        known = {**sizes, **_sizes(spec, found)}
        named = inspect.signature(module.init_params).parameters.values()
        dims = {p.name: known.get(p.name) for p in named if p.kind is p.KEYWORD_ONLY}
        if None in dims.values():
            raise WrongData(f"the data lack {list_of([n for n in spec['params'] if n not in found])}")
        started = dict(zip(spec["params"], map(np.asarray, module.init_params(seed, **dims))))
        found = {**started, **found}
    return {name: found[name] for name in (*spec["inputs"], *spec["params"])}


def _sizes(spec: Mapping[str, Any], arguments: Fields) -> dict[str, int]:
    """The dims that stand alone in a type: `real[N, D]`."""
    found: dict[str, int] = {}
    for name, text in {**spec["inputs"], **spec["params"]}.items():
        dims = re.search(r"\[(.*?)\]", text)
        shape = arguments[name].shape if name in arguments else ()
        for dim, size in zip(dims[1].split(", ") if dims else (), shape):
            if dim in spec["dims"]:
                found.setdefault(dim, size)
    return found


def _forward(module: ModuleType, arguments: Fields, seed: int) -> tuple[Any, Any]:
    extra = list(inspect.signature(module.forward).parameters)[len(arguments) :]
    generators = [np.random.default_rng(seed)] if extra else []
    try:
        outputs, cache = module.forward(*arguments.values(), *generators)
    except (TypeError, ValueError, IndexError, np.linalg.LinAlgError) as problem:
        raise WrongData(str(problem)) from problem
    return outputs, cache


def _backward(module: ModuleType, outputs: Any, cache: Any) -> dict[str, Array]:
    if not hasattr(module, "backward"):
        return {}
    target = np.asarray(dict(zip(outputs._fields, outputs)).get(module.SPEC["target"], 1.0))
    found = module.backward(cache, np.ones_like(target)) if target.ndim else module.backward(cache)
    return dict(zip(module.SPEC["wrt"], map(np.asarray, found)))


def _arrays(fields: Mapping[str, Any]) -> dict[str, Array]:
    """The real ones; what a branch or a loop of steps of many sizes keeps is left out."""
    arrays = {
        name: np.asarray(value) for name, value in fields.items() if isinstance(value, (np.ndarray, float))
    }
    return {name: array for name, array in arrays.items() if array.dtype.kind == "f"}


def _layer(name: str, array: Array, weights: Sequence[tuple[int, ...]], given: bool) -> Layer:
    shape = [Dim.of(size) for size in array.shape]
    unit = unit_axis(shape, [[Dim.of(size) for size in weight] for weight in weights])
    op, slope = _told(array) if not given else ("", None)
    slopes = () if slope is None else (slope,)
    return Layer(
        name, 0, op, unit, (array,), (), slopes, squashes=op in ("sigmoid", "tanh"), rectifies=op == "relu"
    )


def _told(array: Array) -> tuple[str, Array | None]:
    """What function an array is likely to come of, and the slope there, relative to the steepest."""
    low, high = array.min(initial=np.inf), array.max(initial=-np.inf)
    if low == 0.0:
        return "relu", (array > 0.0).astype(np.float64)
    if ((low < array) & (array < high)).sum() <= VARIED * array.size:
        return "", None
    if low > 0.0 and high <= 1.0 and not np.allclose(array.sum(axis=-1), 1.0):
        return "sigmoid", 4.0 * array * (1.0 - array)
    if -1.0 <= low < 0.0 and high <= 1.0:
        return "tanh", 1.0 - array**2
    return "", None


def _learned(wrt: Sequence[str], arguments: Fields, gradients: Fields) -> Iterator[Learned]:
    for name in wrt:
        if name in gradients:
            yield Learned(name, 0, np.asarray(arguments[name], np.float64), gradients[name])


def _depths(params: Sequence[Learned]) -> Iterator[Deep]:
    weights = [p for p in params if p.value.ndim > 1]
    for depth, param in enumerate(weights, 1):
        yield Deep(depth, param.label, 0, norm_of([param.gradient]) if param.gradient is not None else 0.0)


def _broken(values: Fields, gradients: Fields) -> Iterator[Broken]:
    if all(np.isfinite(g).all() for g in gradients.values()) and all(
        np.isfinite(v).all() for v in values.values()
    ):
        return
    for what, arrays in (("value", values), ("gradient", gradients)):
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                yield Broken(what, name, 0, "NaN" if np.isnan(array).any() else "infinite")
                return
