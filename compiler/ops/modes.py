"""What is one thing while a model is trained and another when it predicts: dropout, running statistics.

    kept = ops.random_mask(shape=x.shape, rate=0.5)

    ops.in_training(noisy, plain)     # noisy in forward() and value_and_grad(), plain in predict()

`passes/modes.py` replaces it by either before anything else is done to the graph.
"""

from __future__ import annotations

from typing import Any

from ..ir import Op, declare
from ..types import Type, TypeProblem
from .base import leaf


def _infer(trained: Type, predicted: Type) -> Type:
    if trained != predicted:
        raise TypeProblem("E0203", f"{trained} in training, {predicted} in predict()")
    return trained


def _training(trained: Any, predicted: Any) -> Any:
    return trained


in_training = declare(
    Op(
        "in_training",
        ("trained", "predicted"),
        "The first argument in forward() and value_and_grad(), the second in predict().",
        _infer,
        _training,
        lambda g, out, trained, predicted: (g, None),
        py="trained",
        bounds=lambda trained, predicted: trained,
    )
)


random_mask = leaf(
    "random_mask",
    "Random truths: each holds with the probability 1 - rate. The front end makes an argument of every one.",
    lambda *, shape, rate: Type("bool", shape),
    lambda node, d: "",
)
