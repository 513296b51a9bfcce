"""All that is looked for: functions from an observation to findings, the most basic ones first.

Where there are no data, or a value or a gradient is not finite, there is nothing else to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .advice import GIVEN
from .finding import Finding
from .flow import through_depth, through_time
from .inputs import badly_scaled
from .seen import Observation
from .structure import no_gradient, symmetric
from .units import dead, saturated

Check = Callable[[Observation], Iterable[Finding]]
CHECKS: tuple[Check, ...] = (
    badly_scaled, dead, saturated, no_gradient, symmetric, through_depth, through_time,
)  # fmt: skip


def findings_of(seen: Observation) -> tuple[Finding, ...]:
    """What is wrong; nothing where all is well."""
    if not all(seen.sizes.values()):
        return tuple(no_data(seen))
    if seen.broken:
        return tuple(not_finite(seen))
    return tuple(finding for check in CHECKS for finding in check(seen))


def no_data(seen: Observation) -> Iterator[Finding]:
    """A mean over no examples is NaN, and a unit that has seen none is not dead."""
    for name, size in seen.sizes.items():
        if size == 0:
            sentence = f"{name} is 0 in these data: they tell nothing of values, units and gradients"
            yield Finding("no data", name, 0, sentence)


def not_finite(seen: Observation) -> Iterator[Finding]:
    """The first NaN or infinity on the way forward, or else on the way back."""
    for broken in seen.broken:
        step = f" in step {broken.step}" if broken.step is not None else ""
        where = f"`{broken.label}` is {broken.found}{step}"
        forward = f"{where} as it is given" if broken.given else f"{where}, and nothing before it"
        back = f"all values are finite, but the gradient by {where}, the first on the way back"
        sentence = forward if broken.what == "value" else back
        advice = GIVEN if broken.given else ""
        yield Finding("not finite", broken.label, broken.line, sentence, advice)
