"""The check of a call's arguments: one comparison of shapes on the good path, words on the bad one.

x = _real("x", x, 2)
W = _real("W", W, 2)
D = x.shape[1]
if W.shape[0] != D: …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from autodiffc.compiler.model import Argument, Binding, Bound
from autodiffc.compiler.types import Dim, shape_text

from .context import Context
from .dimtext import Holder, bind, dim_expr
from .goodpath import good_path, ranges
from .pytext import ADD, COMPARE, Expr, number, tuple_of
from .writer import Writer

READERS = {"real": "_real", "int": "_integers", "bool": "_booleans"}
NUMBERS = {"real": "float", "int": "int", "bool": "bool"}
SCALAR_KINDS = {"int": "iu", "bool": "b"}
BROKEN = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}  # bounds turned round

ONE_LINE = 76  # characters of a message


def declared_text(argument: Argument) -> str:
    """The type as the model writes it, with its constraints: `int[N] in range(K)`."""
    dims = declared_dims(argument)
    shape = f"[{', '.join(dims)}]" if dims else ""
    bounds = "".join(f" {b.op} {number(b.value)}" for b in argument.bounds)
    if argument.range is not None:
        low, high = argument.range
        bounds += f" in range({high})" if low.known == 0 else f" in range({low}, {high})"
    return f"{argument.type.kind}{shape}{bounds}"


def declared_dims(argument: Argument) -> tuple[str, ...]:
    """The dims as the model writes them."""
    return argument.declared or tuple(map(str, argument.type.shape))


def bindings_of(context: Context, arguments: Sequence[Argument]) -> dict[str, Binding]:
    """Where each dim gets its size when these arguments are at hand."""
    at_hand = {a.name for a in arguments}
    chosen = {b.dim: b for b in context.program.bindings if b.argument in at_hand}
    for argument in arguments:
        for axis, size in enumerate(argument.type.shape):
            found = _linear(size, argument.name, axis)
            if found is not None:
                old = chosen.setdefault(found.dim, found)
                if (old.factor, old.offset) != (1, 0) and (found.factor, found.offset) == (1, 0):
                    chosen[found.dim] = found
    return chosen


def _linear(size: Dim, argument: str, axis: int) -> Binding | None:
    """The binding that a size of the form factor * dim + offset gives."""
    if len(size.symbols) != 1:
        return None
    (dim,) = size.symbols
    factor, offset = 0, 0
    for monomial, coefficient in size.terms:
        if monomial == (dim,):
            factor = coefficient
        elif not monomial:
            offset = coefficient
        else:
            return None
    return Binding(dim, argument, axis, factor, offset) if factor > 0 else None


def holders(context: Context, arguments: Sequence[Argument]) -> dict[str, Holder]:
    """The arguments as arrays that dims can be read from."""
    return {a.name: Holder(context.local(a.name), a.type.shape) for a in arguments}


def takes_floats_only(arguments: Sequence[Argument]) -> bool:
    """Whether the check is no more than a look at the types, and at bounds."""
    return all(not a.type.rank and a.type.kind == "real" for a in arguments)


def write_call(
    context: Context, writer: Writer, arguments: Sequence[Argument], checker: str = "_checked"
) -> None:
    """Check the arguments at the head of a function."""
    if not arguments:
        return
    names = [context.local(a.name) for a in arguments]
    both = ", ".join(names)
    call = f"{both} = {context.ref(checker)}({both})"
    fast = good_path(context, arguments) if context.level > 1 else ""
    if takes_floats_only(arguments):
        with writer.block(f"if {_suspicious(context, arguments)}:"):
            writer.line(call)
    elif fast:
        with writer.block(f"if not ({fast}):"):
            writer.line(call)
        for line in ranges(context, arguments):
            writer.line(line)
    else:
        writer.line(call)


def _suspicious(context: Context, arguments: Sequence[Argument]) -> str:
    """Whether some argument is no float, or out of its bounds: then the checker says what is wrong."""
    kinds = [f"{context.ref('type')}({context.local(a.name)})" for a in arguments]
    types = f"{' is '.join(kinds)} is {'not ' * (len(kinds) == 1)}{context.ref('float')}"
    bounds = [_broken(context, a, b) for a in arguments for b in a.bounds]
    return " or ".join([f"{'not ' * (len(kinds) > 1)}{types}", *bounds])


def _broken(context: Context, argument: Argument, bound: Bound) -> str:
    """The bound turned round, so that NaN passes."""
    return f"{context.local(argument.name)} {BROKEN[bound.op]} {number(bound.value, context.ref)}"


def _is_broken(context: Context, argument: Argument, bound: Bound) -> str:
    """Whether any element breaks a bound: at -O2 the least or the largest tells, without a mask of all."""
    broken = _broken(context, argument, bound)
    if not argument.type.rank:
        return broken
    if context.level < 2 or argument.type.kind != "real":
        return f"({broken}).any()"
    name, np_ = context.local(argument.name), context.ref("np")
    least = f"fmin.reduce({name}, axis=None, initial={np_}.inf)"
    largest = f"fmax.reduce({name}, axis=None, initial=-{np_}.inf)"
    value = float(np.array(bound.value, context.dtype))  # as NumPy compares it with arrays
    extreme = least if bound.op.startswith(">") else largest
    return f"{np_}.{extreme} {BROKEN[bound.op]} {number(value, context.ref)}"


@dataclass
class _Checks:
    """What is compared, and the dims that the comparisons need."""

    context: Context
    bindings: dict[str, Binding]
    dims: dict[str, None] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    compared: list[Argument] = field(default_factory=list)

    def text(self, dim: Dim) -> Expr:
        return dim_expr(dim, self._symbol, self.context.ref)

    def _symbol(self, name: str) -> str:
        self.dims[name] = None
        return self.context.local(name)

    def compare(self, argument: Argument) -> None:
        """Compare a shape with what it should be, but for the axes that the dims come from."""
        axes = [
            axis
            for axis, size in enumerate(argument.type.shape)
            if self.knows(size) and not self._binds(argument, axis)
        ]
        if not axes:
            return
        self.compared.append(argument)
        name = self.context.local(argument.name)
        if len(axes) == argument.type.rank:
            self.conditions.append(f"{name}.shape != {tuple_of([self.text(d) for d in argument.type.shape])}")
            return
        for axis in axes:
            self.conditions.append(
                f"{name}.shape[{axis}] != {self.text(argument.type.shape[axis]).within(ADD)}"
            )

    def knows(self, size: Dim) -> bool:
        """Whether the arguments at hand tell this size."""
        return size.symbols <= self.bindings.keys()

    def _binds(self, argument: Argument, axis: int) -> bool:
        return any(b == Binding(b.dim, argument.name, axis) for b in self.bindings.values())


def write_checker(context: Context, writer: Writer, arguments: Sequence[Argument], checker: str) -> None:
    """The function that checks these arguments and gives them back as arrays and numbers."""
    names = ", ".join(context.local(a.name) for a in arguments)
    checks = _Checks(context, bindings_of(context, arguments))
    for argument in arguments:
        checks.compare(argument)
    with writer.block(f"def {checker}({names}):"):
        writer.line('"""The arguments in the declared types; ValueError where their shapes do not agree."""')
        for argument in arguments:
            _convert(context, writer, argument)
        _write_values(checks, writer, arguments)
        writer.line(f"return {names}")


def _convert(context: Context, writer: Writer, argument: Argument) -> None:
    name, kind = context.local(argument.name), argument.type.kind
    shown = f'"{name}"'
    if argument.type.rank:
        writer.line(f"{name} = {context.ref(READERS[kind])}({shown}, {name}, {argument.type.rank})")
    elif kind == "real":
        writer.line(f"{name} = {context.ref('_scalar')}({shown}, {name})")
    else:
        extra = f'"{SCALAR_KINDS[kind]}", {context.ref(NUMBERS[kind])}'
        writer.line(f"{name} = {context.ref('_scalar')}({shown}, {name}, {extra})")


def _write_values(checks: _Checks, writer: Writer, arguments: Sequence[Argument]) -> None:
    """Bind the dims; compare shapes, then what else the model requires."""
    body = Writer(writer.width, writer.spelt)
    body.depth = writer.depth
    if checks.conditions:
        _write_comparison(checks, body, arguments)
    _write_negative(checks, body)
    _write_requirements(checks, body)
    for argument in arguments:
        _write_constraints(checks, body, argument)
    used = [checks.bindings[d] for d in checks.dims]
    used.sort(key=lambda b: [a.name for a in arguments].index(b.argument))
    for line in bind(used, holders(checks.context, arguments), checks.context.local):
        writer.line(line)
    writer.lines.extend(body.lines)


def _write_comparison(checks: _Checks, writer: Writer, arguments: Sequence[Argument]) -> None:
    sources = {checks.bindings[d].argument for d in checks.dims}
    shown = [a for a in arguments if a.name in sources or a in checks.compared]
    entries = []
    for argument in shown:
        name = checks.context.local(argument.name)
        sizes = ", ".join(
            str(checks.text(d)) if checks.knows(d) else f"{name}.shape[{axis}]"
            for axis, d in enumerate(argument.type.shape)
        )
        entries.append(f'"{name}": ({name}, {sizes})')
    with writer.block(f"if {' or '.join(checks.conditions)}:"):
        writer.line(f"raise {checks.context.ref('_shape_error')}({{{', '.join(entries)}}})")


def _write_negative(checks: _Checks, writer: Writer) -> None:
    """`real[N+3]` of two elements would make N negative."""
    for dim, binding in checks.bindings.items():
        if binding.offset > 0:
            local, size = str(checks.text(Dim.symbol(dim))), f"{binding.factor}*{dim} + {binding.offset}"
            name = checks.context.local(binding.argument)
            shown = size.removeprefix("1*")
            with writer.block(f"if {local} < 0:"):
                writer.line(
                    f"raise {checks.context.ref('ValueError')}("
                    f'f"{name}: expected an axis of {shown}, got {{{name}.shape[{binding.axis}]}}")'
                )


def _write_requirements(checks: _Checks, writer: Writer) -> None:
    """What slices, indices and reshapes assume of the dims."""
    for needed in checks.context.program.requirements:
        if not checks.knows(needed.slack) or needed.slack.is_natural:
            continue
        remainder = -needed.slack
        broken = (
            checks.text(remainder).text
            if remainder.is_remainder
            else f"{checks.text(needed.slack).within(COMPARE + 1)} < 0"
        )
        text = needed.text.replace("\\", "\\\\").replace('"', "'").replace("{", "{{").replace("}", "}}")
        sizes = ", ".join(f"{d} is {{{checks.context.local(d)}}}" for d in sorted(needed.slack.symbols))
        with writer.block(f"if {broken}:"):
            what = f"{' '.join(text.split())} (line {needed.line}) needs"
            then = f"{needed.condition}; {sizes}"
            error = checks.context.ref("ValueError")
            if len(what) + len(then) < ONE_LINE:
                writer.line(f'raise {error}(f"{what} {then}")')
            else:
                with writer.block(f"raise {error}("):
                    writer.line(f'{"f" if "{" in what else ""}"{what} "')
                    writer.line(f'f"{then}"')
                writer.line(")")


def _write_constraints(checks: _Checks, writer: Writer, argument: Argument) -> None:
    context, name = checks.context, checks.context.local(argument.name)
    if argument.range is not None and all(map(checks.knows, argument.range)):
        low, high = (checks.text(d) for d in argument.range)
        writer.line(f'{context.ref("_range")}("{name}", {name}, {low}, {high})')
    for bound in argument.bounds:
        shown = f"{bound.op} {number(bound.value)}"
        broken = _broken(context, argument, bound)
        with writer.block(f"if {_is_broken(context, argument, bound)}:"):
            error = context.ref("_bound_error")
            writer.line(f'raise {error}("{name}", {name}, {broken}, "{shown}")')


def write_declared(
    context: Context, writer: Writer, extra: Sequence[tuple[str, tuple[str, ...]]] = ()
) -> None:
    """`_DECLARED`: for each argument its kind and the dims as the model writes them."""
    entries = [
        f'"{context.local(a.name)}": {_strings([a.type.kind, *declared_dims(a)])}'
        for a in context.program.arguments
    ]
    entries += [f'"{name}": {_strings(list(parts))}' for name, parts in extra]
    writer.line(f"_DECLARED = {{{', '.join(entries)}}}")


def _strings(parts: list[str]) -> str:
    return str(tuple_of([f'"{p}"' for p in parts]))


def limits(bounds: Sequence[Bound], dtype: str) -> tuple[str, str]:
    """Lower and upper limit as an optimiser takes them: closed, so that `> 0` begins a step inside.

    The step is the machine epsilon of the dtype, times the bound where that is above 1 in size: a
    logarithm or a quotient is still finite there, as it is not at the smallest number above 0.
    """
    step = float(np.finfo(dtype).eps)
    low: float | None = None
    high: float | None = None
    for bound in bounds:
        inside = step * max(1.0, abs(bound.value)) * (len(bound.op) == 1)
        if bound.op[0] == ">":
            low = bound.value + inside if low is None else max(low, bound.value + inside)
        else:
            high = bound.value - inside if high is None else min(high, bound.value - inside)
    if low is not None and high is not None and low > high:
        low = high = (low + high) / 2.0  # constraints an epsilon apart leave one number
    return _limit(low), _limit(high)


def _limit(value: float | None) -> str:
    return "None" if value is None else str(number(value))


__all__ = [
    "bindings_of", "declared_dims", "declared_text", "holders", "limits", "shape_text", "takes_floats_only",
    "write_call", "write_checker", "write_declared",
]  # fmt: skip
