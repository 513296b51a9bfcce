"""The memory that a caller lends to emitted functions (`--emit workspace`).

    workspace = m.Workspace()
    for batch in batches:
        loss, grads = m.value_and_grad(*batch, *params, workspace=workspace)

The functions then compute in it, and have their results in it too where that is wanted. The class is in
`routines_memory.py`.
"""

from __future__ import annotations

from autodiffc.compiler.passes.requested import WORKSPACE

from .context import Context, once


@once
def workspace_name(context: Context) -> str:
    """The parameter for a workspace; '' where none is asked for."""
    asked = WORKSPACE in context.derivative.emit
    return context.names.scope().fresh("workspace") if asked else ""


def workspace_parameter(context: Context) -> list[str]:
    """The parameter with its annotation and default, if there is one."""
    name = workspace_name(context)
    return [f"{name}: {context.ref('Workspace')} | None = None"] if name else []
