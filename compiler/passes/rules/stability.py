"""Stability rules: what loses its digits or its range as written, in the form that keeps them.

    log(sum(exp(x)))   →   logsumexp(x)          log(1 / (1 + exp(-x)))   →   -softplus(-x)

Each is equal in real arithmetic on the whole domain of the original; its number in the numerics reference
(R1 to R30) stands beside it. They run before differentiation and at every level: a model's numbers depend
neither on an option nor on whether its gradient was asked for. Their results are ops of their own, which
no rule takes apart again.
"""

from __future__ import annotations

from ..pattern import Rule
from .stability_cancel import CANCELLATION_RULES
from .stability_exp import EXPONENTIAL_RULES
from .stability_linalg import LINEAR_RULES
from .stability_special import SPECIAL_RULES

# In the order of trying: what is more special first, `log(1 + x) → log1p(x)` last.
STABILITY_RULES: tuple[Rule, ...] = (*EXPONENTIAL_RULES, *SPECIAL_RULES, *LINEAR_RULES, *CANCELLATION_RULES)
