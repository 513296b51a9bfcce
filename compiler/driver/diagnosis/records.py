"""A diagnosis as JSON: what the report shows, in numbers; NaN and infinities are null."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from .finding import Finding
from .seen import Deep, Layer, Learned, Observation, Recurrence


def as_json(seen: Observation, findings: Sequence[Finding]) -> str:
    """The text of a JSON object."""
    return json.dumps(_finite(document(seen, findings)), ensure_ascii=False, indent=2) + "\n"


def document(seen: Observation, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "model": seen.model,
        "source": seen.source,
        "sizes": dict(seen.sizes),
        "target": seen.target,
        "value": seen.value,
        "notes": list(seen.notes),
        "findings": [_finding(finding) for finding in findings],
        "layers": [_layer(layer) for layer in seen.layers],
        "params": [_param(param) for param in seen.params],
        "depth": [_deep(deep) for deep in seen.depths],
        "loops": [_loop(loop) for loop in seen.recurrences],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "where": finding.label,
        "line": finding.line,
        "sentence": finding.sentence,
        "helps": finding.helps,
        "reference": finding.reference,
        "numbers": dict(finding.numbers),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    mean, spread, low, high = layer.moments
    counts, start, stop = layer.histogram
    found: dict[str, Any] = {
        "name": layer.label, "line": layer.line, "op": layer.op, "shape": list(layer.shape),
        "steps": len(layer.values) if layer.looped else None,
        "mean": mean, "std": spread, "min": low, "max": high,
        "histogram": {"from": start, "to": stop, "counts": [int(c) for c in counts]},
    }  # fmt: skip
    if layer.gradients:
        found["gradient"] = layer.norm
    if layer.looped:
        means, spreads, lengths = map(list, layer.by_step)
        found["by step"] = {"mean": means, "std": spreads, "gradient": lengths}
    if layer.rectifies:
        found |= {"units": layer.units, "never fire": [int(unit) for unit in layer.silent]}
    if layer.squashes:
        found |= {"flat": layer.saturated, "passed": layer.passed}
    return found


def _param(param: Learned) -> dict[str, Any]:
    gradient = param.norm if param.gradient is not None else None
    shape = list(param.value.shape)
    return {
        "name": param.label,
        "line": param.line,
        "shape": shape,
        "length": param.size,
        "gradient": gradient,
    }


def _deep(deep: Deep) -> dict[str, Any]:
    return {"depth": deep.depth, "name": deep.label, "line": deep.line, "gradient": deep.norm}


def _loop(loop: Recurrence) -> dict[str, Any]:
    return {
        "carries": loop.label, "line": loop.line, "steps": loop.steps, "spectral radius": loop.radius,
        "reach": list(loop.reach), "gradients": list(loop.norms),
    }  # fmt: skip


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
