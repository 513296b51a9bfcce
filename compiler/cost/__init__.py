"""What graphs cost, in one place: formulas in the dims, and time by measured numbers."""

from .formulas import Work, graph_work, kind, work
from .machine import Machine, detected, machine_called
from .prediction import Cost, Costs, estimate

__all__ = [
    "Cost", "Costs", "Machine", "Work", "detected", "estimate", "graph_work", "kind", "machine_called",
    "work",
]  # fmt: skip
