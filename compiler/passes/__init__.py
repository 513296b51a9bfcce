"""Passes: functions from graph to graph. `pipeline` has the order in which they run."""
