"""Bodies that reuse buffers (-O2): an array that one step alone reads is overwritten by that step.

    h = np.maximum(x @ W + b, 0.0)     ->     h = x @ W
                                              h += b
                                              np.maximum(h, 0.0, out=h)

Only arrays that the function itself has made and that nothing reads later, nor a view of them, are
overwritten; a value of the model's keeps its name for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from autodiffc.compiler.ir import Graph, Node

from .context import Context
from .control import StructuredBody
from .inplace import NAME, in_place, without_copy
from .joined import joined
from .memory import READ_ONLY, is_view
from .names import Scope
from .pool import use_buffers
from .pytext import Expr, tuple_of
from .schedule import Group, Step
from .teaching import TeachingBody
from .workspace import workspace_name


def body_of(
    context: Context,
    graph: Graph,
    scope: Scope,
    given: Mapping[Node, Expr],
    output_names: Mapping[str, str] | None = None,
    lists: Mapping[Node, int] = {},
    plain: bool = False,
    lent: bool = False,
    dims: Collection[str] = (),
) -> StructuredBody:
    """The statements of a graph, at the module's level; `lent` if the function can take a workspace.

    `dims` are those that the function can tell.
    """
    kind = BODIES[context.level]
    body = kind(context, graph, scope, given, output_names)
    body.lists, body.plain = dict(lists), plain
    workspace = workspace_name(context) if lent else ""
    body.space = scope.fresh("space") if workspace else ""
    body.is_sparing = context.level > 1
    body.build()
    if context.level > 1:
        use_buffers(body, workspace, dims)
        results = [str(body.value(node)) for name, node in graph.outputs if name]
        body.statements = joined(body.statements, f"return {tuple_of(results)}", scope.fresh)
    return body


class ReusingBody(StructuredBody):
    """A body whose steps overwrite what is spent."""

    def reuses(self, step: Step) -> bool:
        node, group = step.node, step.group
        if (
            not node.rank
            or node.type.kind != "real"
            or node in self._sums
            or node in self.memory.in_place
            or any(a in self._sums for a in node.args)
        ):
            return False
        for place, arg in enumerate(node.args):
            if not self._is_spent(arg, node):
                continue
            if arg in self.pending and self.pending[arg].group != group:
                self._settle(arg, self.pending[arg].group)
            self._settle_others(node, arg, group)
            lines = self._updates(node, place)
            if lines:
                self._update(step, arg, lines)
                return True
        return False

    def _is_spent(self, arg: Node, node: Node) -> bool:
        """Whether an operand is an array of this node's type, made here, and read by this node alone."""
        held = arg in self.pending or (arg in self.values and self.values[arg].text.isidentifier())
        if not held or arg.type != node.type or not self._is_read_once(arg):
            return False
        while is_view(arg) and arg.op.name not in READ_ONLY and self._is_read_once(arg.args[0]):
            arg = arg.args[0]
        return self._is_fresh(arg)

    def _is_read_once(self, node: Node) -> bool:
        return self._uses[node] == 1 and node not in self._output_names

    def _settle_others(self, node: Node, target: Node, group: Group) -> None:
        """Leave only short expressions to be written into the update."""
        for arg in node.args:
            if arg is not target and arg in self.pending:
                held = self.pending[arg]
                if held.updates or held.ops > 2 or not (held.group == group or held.stable):
                    self._settle(arg, group)

    def _updates(self, node: Node, place: int) -> list[str] | None:
        """The statements that overwrite an operand with the node's value."""
        parsed, held = self._template(node)
        operands = [Expr(NAME) if i == place else self._operand(a, True) for i, a in enumerate(node.args)]
        if parsed.is_expression:
            statement = in_place(node, place, parsed, operands, self._global)
            return [statement] if statement else None
        if set(parsed.stored) != {"out"}:
            return None
        names = {**dict(zip(parsed.params, operands)), **held, "out": Expr(NAME)}
        return without_copy(parsed.text(names, self._global).split("\n"), NAME)

    def _update(self, step: Step, target: Node, lines: list[str]) -> None:
        node = step.node
        for arg in node.args:
            if arg is not target:
                self.pending.pop(arg, None)
        waiting = self.pending.pop(target, None)
        if waiting is None:
            self._overwrite(step, target, lines)
            return
        updates = (*waiting.updates, *lines)
        longer = waiting._replace(updates=updates, stable=False, group=step.group)
        if self._may_wait(node):
            self.pending[node] = longer
        else:
            self._assign(step.group, node, longer.expr, longer.updates)

    def _overwrite(self, step: Step, target: Node, lines: list[str]) -> None:
        """Overwrite an array that has a name; under a name of its own where one of the two is the model's."""
        node, old = step.node, self.values[target]
        given = bool(self.name_of(node)) or node in self._slots
        if given or self._is_the_models(target):
            self._assign(step.group, node, old, tuple(lines))
        else:
            self._add(step.group, tuple(line.replace(NAME, old.text) for line in lines), node, old.text)

    def _is_the_models(self, node: Node) -> bool:
        return self.graph.names.get(node) in self.context.names.model


BODIES = (TeachingBody, StructuredBody, ReusingBody)  # by level
