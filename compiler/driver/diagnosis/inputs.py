"""Data that enter a layer of weights: near 0, with features of like spread.

(Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .finding import Finding
from .seen import Fed, Observation
from .thresholds import CONSTANT, LARGE, OFFSET, SMALL, UNEVEN
from .words import number, times


def badly_scaled(seen: Observation) -> Iterator[Finding]:
    """Inputs that are too large, too small, far from 0, or of uneven spread."""
    for fed in seen.feds:
        numbers = _numbers(fed)
        wrong = list(_problems(numbers)) if fed.rms else []
        if wrong:
            sentence = f"{fed.label} {'; it '.join(wrong)}"
            yield Finding("badly scaled input", fed.label, fed.line, sentence, numbers=numbers)


def _numbers(fed: Fed) -> dict[str, float]:
    """Size, reach, offset; features that don't vary are left out (pixels at the border, say)."""
    varying = fed.spreads > CONSTANT * abs(fed.means)
    spreads, means, reaches = fed.spreads[varying], fed.means[varying], fed.reaches[varying]
    found = {"rms": fed.rms}
    if spreads.size:
        offsets = sorted(abs(means) / spreads)
        found |= {"narrowest": float(reaches.min()), "widest": float(reaches.max())}
        found["offset"] = float(offsets[len(offsets) // 2])
    return found


def _problems(numbers: Mapping[str, float]) -> Iterator[str]:
    rms, low, high = numbers["rms"], numbers.get("narrowest", 1.0), numbers.get("widest", 1.0)
    offset = numbers.get("offset", 0.0)
    if not SMALL <= rms <= LARGE:
        yield f"is {number(rms)} in the root mean square, and weights start as if that were about 1"
    if high > UNEVEN * low:
        yield (
            f"has features of uneven scale (one gets {number(low)} away from its mean, another "
            f"{number(high)}), so that a step that suits one is too large or too small for another"
        )
    if offset > OFFSET:
        yield f"is far from 0 (the mean of a feature is {times(offset)} its standard deviation)"
