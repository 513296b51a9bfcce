"""How the emitted modules are raced: workloads, contenders, comparison, timing, reports."""
