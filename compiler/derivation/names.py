"""Names of a model as a mathematician sets them: W1 as W with an index, y_hat with a hat.

>>> parsed("W1"), parsed("log_alpha"), parsed("y_hat")
(Name('W', ('1',), ''), Name('log', ('alpha',), ''), Name('y', (), 'hat'))
>>> latex_name("delta_max"), latex_name("mu_2"), latex_name("x_hat"), latex_name("δ")
('\\\\delta_{\\\\mathrm{max}}', '\\\\mu_{2}', '\\\\hat{x}', '\\\\delta')
"""

from __future__ import annotations

import re
from typing import NamedTuple

ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙"}
GREEK = dict(
    zip(
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
            "Gamma",
            "Delta",
            "Theta",
            "Lambda",
            "Xi",
            "Pi",
            "Sigma",
            "Phi",
            "Psi",
            "Omega",
        ],
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
    )
)
SPELLED = {letter: name for name, letter in GREEK.items()}


class Name(NamedTuple):
    """A name in parts: what stands on the line, its indices, its accent, how many primes and stars it has."""

    base: str
    indices: tuple[str, ...]
    accent: str
    primes: int = 0
    stars: int = 0

    def __repr__(self) -> str:
        return f"Name({self.base!r}, {self.indices!r}, {self.accent!r})"


def parsed(text: str) -> Name:
    """The parts of a name; digits at the end of its first word are an index."""
    plain = text.rstrip("′*")
    primes, stars = text.count("′"), text.count("*")
    first, *rest = [word for word in plain.split("_") if word] or [plain]
    accent = rest.pop(0) if rest and rest[0] in ACCENTS else ""
    match = re.fullmatch(r"(\D+)(\d+)", first)
    base, digits = (match[1], (match[2],)) if match else (first, ())
    return Name(base, (*digits, *rest), accent, primes, stars)


def latex_name(text: str) -> str:
    name = parsed(text)
    base = latex_word(name.base)
    if name.accent:
        base = f"\\{name.accent}{{{base}}}"
    if name.indices:
        base += f"_{{{','.join(map(latex_word, name.indices))}}}"
    if name.stars:
        return base + "^{*" + r"\prime" * name.primes + "}"
    return base + "'" * name.primes


def latex_word(word: str) -> str:
    """A letter as it is, a Greek one by its command, a word upright."""
    if word in GREEK or word in SPELLED:
        return f"\\{SPELLED.get(word, word)}" if word != "omicron" else "o"
    if word.isdigit() or (len(word) == 1 and word.isascii()):
        return word
    return f"\\mathrm{{{word}}}" if word.isascii() else f"\\text{{{word}}}"
