"""log, sqrt, division and their kin, of values that are not bounded away from where they are singular.

    p = sigmoid(z) + sigmoid(u)
    L = log(p - 0.1)        log of a value that may be 0 or negative

The facts `singular` and `steep` of an op say where; what is between 0 and its argument, `flow` knows. Left
alone is what a condition guards that depends on the same data, and what depends on sizes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from autodiffc.grammar.diagnostics import Diagnostic
from autodiffc.grammar.records import record

from ..ir import Interval, Node
from ..ops.bounds import holds
from .conditions import inside
from .flow import EMPTY, HUGE, Flow, Known, Site
from .subject import Subject, text_of

Phrase = Callable[[Interval, Site], str]


@record(frozen=True)
class Danger:
    """One way in which an op is singular: of which argument, in which words, and what helps.

    `words` gives what is wrong with an interval, nothing where all is well. `wanted` is the constraint that
    would rule it out, `inside` how a value is kept where all is well (`{x}` stands for it).
    """

    position: int
    words: Phrase
    wanted: str = "> 0"
    inside: str = "maximum({x}, 1e-12)"


def _down_to(edge: float) -> Phrase:
    """Singular at an edge and below it."""
    below = "negative" if edge == 0.0 else "less"

    def words(x: Interval, site: Site) -> str:
        if x[0] > edge:
            return ""
        return f"may be {edge:g}" if x[0] == edge else f"may be {edge:g} or {below}"

    return words


def _root(x: Interval, site: Site) -> str:
    if x[0] > 0.0:
        return ""
    return "may be 0, where its slope is infinite" if x[0] == 0.0 else "may be 0 or negative"


def _divisor(x: Interval, site: Site) -> str:
    return "may be 0" if holds(x, 0.0) else ""


def _zero_slope(x: Interval, site: Site) -> str:
    return "may be 0, where its slope is infinite" if holds(x, 0.0) else ""


def _base(x: Interval, site: Site) -> str:
    """A base may be negative where the exponent is a whole number, and 0 where that is not negative."""
    exponent, (low, high) = site.node.args[1], site.args[1].interval
    whole = (exponent.op.name == "to_real" and exponent.args[0].type.kind == "int") or (
        low == high and low.is_integer()
    )
    if whole:
        return "may be 0, with a negative exponent" if low < 0.0 and holds(x, 0.0) else ""
    if x[0] > 0.0 or (x[0] == 0.0 and low >= 1.0):
        return ""
    if low == high and x[0] == 0.0 and low > 0.0:
        return "may be 0, where its slope is infinite"
    return "may be 0 or negative, with an exponent that is not whole"


def _ends(x: Interval, site: Site) -> str:
    if x[0] > -1.0 and x[1] < 1.0:
        return ""
    inside = x[0] >= -1.0 and x[1] <= 1.0
    return "may be -1 or 1, where its slope is infinite" if inside else "may be beyond -1 or 1"


def _unit(x: Interval, site: Site) -> str:
    return "may be 0 or 1, or beyond" if x[0] <= 0.0 or x[1] >= 1.0 else ""


def _poles(x: Interval, site: Site) -> str:
    return "may be 0 or negative, and has poles there" if x[0] <= 0.0 else ""


_LOG = Danger(0, _down_to(0.0))
_WEIGHTED = Danger(1, _down_to(0.0))
_GAMMA = Danger(0, _poles)
_ARC = Danger(0, _ends, "> -1 < 1", "clip({x}, -1 + 1e-9, 1 - 1e-9)")
_CHOSEN = "where({x} != 0, …, 0)"
_ABOVE = "maximum({x}, -1 + 1e-12)"
DANGERS: Mapping[str, tuple[Danger, ...]] = {
    "div": (Danger(1, _divisor, inside=_CHOSEN),),
    "reciprocal": (Danger(0, _divisor, inside=_CHOSEN),),
    "power": (Danger(0, _base),),
    "sqrt": (Danger(0, _root),),
    "cbrt": (Danger(0, _zero_slope, inside=_CHOSEN),),
    "log": (_LOG,),
    "log2": (_LOG,),
    "log10": (_LOG,),
    "log1p": (Danger(0, _down_to(-1.0), "> -1", _ABOVE),),
    "xlogy": (_WEIGHTED,),
    "xlog1py": (Danger(1, _down_to(-1.0), "> -1", _ABOVE),),
    "log1mexp": (_LOG,),
    "logit": (Danger(0, _unit, "> 0 < 1", "clip({x}, 1e-12, 1 - 1e-12)"),),
    "rel_entr": (Danger(0, _down_to(0.0)), _WEIGHTED),
    "arcsin": (_ARC,),
    "arccos": (_ARC,),
    "arctanh": (_ARC,),
    "arccosh": (Danger(0, _down_to(1.0), "> 1", "maximum({x}, 1 + 1e-12)"),),
    "arctan2": (Danger(0, _divisor, inside=_CHOSEN),),
    "lgamma": (_GAMMA,),
    "digamma": (_GAMMA,),
    "polygamma": (_GAMMA,),
    "lbeta": (_GAMMA, Danger(1, _poles)),
    "digamma_drop": (_GAMMA, Danger(1, _poles)),
}
CALLED = {"div": "division by", "reciprocal": "division by", "power": "a power of"}
LOGARITHMS = frozenset(["log", "log2", "log10", "xlogy"])
LARGE = 1e20  # what is beyond may be any number


def singular(subject: Subject) -> Iterator[Diagnostic]:
    """What may be singular for some arguments that the model allows; of an argument only the first such."""
    told = set()
    for site, danger in dangers(subject, vanishing=False):
        argument = site.args[danger.position].argument
        finding = _finding(subject, site, danger)
        key = argument or (finding.span.line, finding.label)
        if (key, danger) not in told:
            told.add((key, danger))
            yield finding


def underflow(subject: Subject) -> Iterator[Diagnostic]:
    """Logarithms and quotients of what is positive on paper, but may be too small for a double."""
    known = {(site.node, danger) for site, danger in dangers(subject, vanishing=False)}
    for site, danger in dangers(subject, vanishing=True):
        if (site.node, danger) not in known and _loses_all(site):
            yield _vanishing(subject, site, danger)


def _loses_all(site: Site) -> bool:
    """A logarithm, or 0 / 0: a part of a sum over the sum, both of which vanish."""
    if site.node.op.name != "div":
        return site.node.op.name in LOGARITHMS
    dividend, divisor = site.args
    return dividend.interval[0] == 0.0 and bool(dividend.leaves & divisor.leaves)


def dangers(subject: Subject, vanishing: bool) -> Iterator[tuple[Site, Danger]]:
    """The ops that may be singular, with the first of their dangers."""
    flow = Flow(vanishing, subject.unwritten)
    for site in flow.sites(subject.graph, what_is_given(subject, flow)):
        fact, steep = site.node.op.singular, site.node.op.steep
        intervals = [arg.interval for arg in site.args]
        if (fact and fact(*intervals)) or (steep and steep(*intervals)):
            found = next(filter(lambda danger: _is_meant(site, danger), DANGERS[site.node.op.name]), None)
            if found is not None:
                yield site, found


def _is_meant(site: Site, danger: Danger) -> bool:
    argument = site.args[danger.position]
    if not danger.words(argument.interval, site) or argument.leaves & site.guard:
        return False
    return bool(argument.leaves) or argument.interval[0] == argument.interval[1]


def what_is_given(subject: Subject, flow: Flow) -> list[Known]:
    """What the declarations say of the inputs of the model's graph."""
    return [_given(subject, node, flow) for node in subject.graph.inputs]


def _given(subject: Subject, node: Node, flow: Flow) -> Known:
    """What the declaration of an argument says."""
    argument = subject.arguments.get(node["name"])
    if argument is None:  # a mask of dropout
        return Known((0.0, 1.0), flow.leaf())
    low, high = argument.interval
    strict = {bound.value for bound in argument.bounds if len(bound.op) == 1}
    low = inside(low, 1.0) if low in strict else low
    high = inside(high, -1.0) if high in strict else high
    if argument.range is not None:
        start, stop = (dim.known for dim in argument.range)
        low = max(low, float(start)) if start is not None else low
        high = min(high, float(stop - 1)) if stop is not None else high
    return Known((max(low, -HUGE), min(high, HUGE)), flow.leaf(), argument.name)


# --- words ---------------------------------------------------------------------------------------


def _finding(subject: Subject, site: Site, danger: Danger) -> Diagnostic:
    known = site.args[danger.position]
    called = CALLED.get(site.node.op.name, f"{site.node.op.name} of")
    message = f"{called} a value that {danger.words(known.interval, site)}"
    text = _text(site, danger)
    label = f"`{text}` {_said(known.interval)}" if text else f"it {_said(known.interval)}"
    span, notes = subject.place(site.graph.origins.get(site.node, ()))
    return Diagnostic("W0301", message, span, label, notes, _way_out(subject, known, danger, text), "warning")


def _text(site: Site, danger: Danger) -> str:
    """What the argument is called; nothing where it is no part of the text, but of what that is made of."""
    text = text_of(site.graph, site.node.args[danger.position])
    return text if text != text_of(site.graph, site.node) else ""


def _way_out(subject: Subject, known: Known, danger: Danger, text: str) -> str:
    """A constraint on an argument, a small number to be added, or a value that is kept inside."""
    argument = subject.arguments.get(known.argument)
    if argument is not None and argument.type.kind == "real":
        dims = f"[{', '.join(argument.declared)}]" if argument.declared else ""
        declared = f"{argument.role} {argument.name}: real{dims} {danger.wanted}"
        return f"`{declared}` rules it out, if that is what is meant"
    if not known.leaves:
        return "it is so whatever the data are"
    if known.interval[0] == 0.0 and danger.wanted == "> 0":
        return f"add a small number: `{text or '…'} + 1e-12`"
    return f"`{danger.inside.format(x=text or '…')}` keeps value and gradient finite"


def _vanishing(subject: Subject, site: Site, danger: Danger) -> Diagnostic:
    called = CALLED.get(site.node.op.name, f"{site.node.op.name} of")
    text = _text(site, danger)
    label = f"`{text}` is made of exponentials" if text else "it is made of exponentials"
    help_text = "compute with logarithms, by `logsumexp` or `log_softmax`, if the exponents may be below -700"
    span, notes = subject.place(site.graph.origins.get(site.node, ()))
    message = f"{called} a value that may underflow to 0"
    return Diagnostic("W0302", message, span, label, notes, help_text, "warning")


def _said(interval: Interval) -> str:
    """`may be any number`, `is at least 0`, `lies between -1 and 1`."""
    low, high = interval
    if interval == EMPTY:
        return "is not written yet"
    if low == high:
        return f"is {low:g}"
    if low <= -LARGE and high >= LARGE:
        return "may be any number"
    if high >= LARGE:
        return f"may be any number from {low:g} on"
    if low <= -LARGE:
        return f"may be any number up to {high:g}"
    return f"lies between {low:g} and {high:g}"
