"""Known mistakes and the words for them: habits of other languages, and slips.

    for i in N:         after `for i in `, at `N`:  expected `range(…)`; `for i in range(N)` counts

The first row that fits is taken. The tests hold that each row's example leads to that row.
"""

from __future__ import annotations

import re

from .diagnostics import suggestion
from .records import record
from .scanner import DECLARATIONS, Lexeme

_WORD = r"[^\W\d]\w*"
_TARGET = rf"^{_WORD}\s*(?:\[[^\]]*\]\s*)?$"
_END = r"\s*(?:#.*)?(?:\r?\n|\Z)"
_KEPT = 400  # characters of a long statement's beginning and end that the patterns see


@record(frozen=True)
class Hint:
    """`mark` is the part of the statement to show, where that is not what was found."""

    message: str
    help: str = ""
    mark: tuple[int, int] | None = None


@record(frozen=True)
class Row:
    """A mistake, and an example of it.

    The pattern `before` must end where the parser stopped, `found` begins there. The parser could have
    gone on with the token `needs`, and not with `lacks`. `message` and `help` may use the groups of `before`
    as {0} and {1}, what was found as {found}, and {shown}, its description. `word`: the first group is shown.
    """

    example: str
    before: str
    found: str
    message: str
    help: str = ""
    needs: str = ""
    lacks: str = ""
    word: bool = False

    def hint(self, before: str, text: str, found: Lexeme, accepted: frozenset[str]) -> Hint | None:
        if (self.needs and self.needs not in accepted) or self.lacks in accepted:
            return None
        left = re.search(self.before, before, re.DOTALL)
        if left is None or re.compile(self.found).match(text, found.start) is None:
            return None
        groups = [group or "" for group in left.groups()]
        words = {"found": found.text, "shown": describe(found)}
        mark = left.span(1) if self.word else None
        return Hint(self.message.format(*groups, **words), self.help.format(*groups, **words), mark)


def hint_for(before: str, text: str, found: Lexeme, accepted: frozenset[str]) -> Hint | None:
    if len(before) > 2 * _KEPT:
        before = before[:_KEPT] + " " * (len(before) - 2 * _KEPT) + before[-_KEPT:]
    hints = (row.hint(before, text, found, accepted) for row in ROWS)
    return next((hint for hint in hints if hint), None) or _foreign_word(before, found)


def describe(found: Lexeme) -> str:
    """What was found, in words."""
    if found.kind == "newline":
        return "the end of the line"
    text = found.text if len(found.text) <= 30 else found.text[:29] + "…"
    return text if found.kind == "string" else f"`{text}`"


_FOREIGN = {
    "function": "a function begins with `def`",
    "func": "a function begins with `def`",
    "fn": "a function begins with `def`",
    "let": "a name gets its value by `=` alone: `x = …`",
    "import": "the language's functions need no import; `from nn import …` takes functions from the library",
    "class": "a model is a file; its functions begin with `def`",
    "pass": "a block holds at least one statement",
    "break": "a loop that may stop early is `while condition:`",
    "continue": "a step that may do nothing is an `if` in the loop",
    "end": "a block ends where its indentation ends",
    "real": "data is declared by `input x: real`",
    "int": "data is declared by `input x: int`",
    "bool": "data is declared by `input x: bool`",
    "float": "data is declared by `input x: real`",
    "data": "data is declared by `input x: real`",
    "parameter": "what is learned is declared by `param x: real`",
    "print": "a value to look at is an `output`",
    "gradient": "a derivative is asked for by `grad L wrt x`",
    "minimize": "what is to be minimised is the `loss`",
    "minimise": "what is to be minimised is the `loss`",
}


def _foreign_word(before: str, found: Lexeme) -> Hint | None:
    """A word, perhaps of another language, that begins no statement, with something after it."""
    match = re.fullmatch(rf"({_WORD})\s*", before)
    if match is None or match.group(1) in DECLARATIONS or found.kind == "symbol":
        return None
    word = match.group(1)
    help = _FOREIGN.get(word) or suggestion(word, DECLARATIONS)
    if found.kind == "newline" and word not in _FOREIGN:
        return Hint(f"`{word}` alone is not a statement", f"give it a value: `{word} = …`", match.span(1))
    return Hint(f"`{word}` does not begin a statement", help, match.span(1))


_DECLARED = "|".join(sorted(DECLARATIONS))
_SUM = r"\bfor\s+\w+\s+in\s+range\b.*\)\s*$"
ROWS = (
    # --- a statement's beginning ---
    Row("else:\n    x = 1", r"^$", r"(else|elif)\b", "`{found}` without an `if` before it",
        "it follows the block of an `if`, with the same indentation"),
    Row("elif a: x = 1", r"^(elif)\b\s*$", r"", "`{0}` without an `if` before it",
        "it follows the block of an `if`, with the same indentation", word=True),
    Row("// a comment", r"^$", r"//|/\*|%|--", "expected a statement, found `{found}`",
        "a comment begins with `#`"),
    Row("'''text'''", r"^$", r"['\"]", "a string alone is not a statement", "a comment begins with `#`"),
    Row("loss L: real = x", r"^loss\s+(\w+)\s*$", r":", "a loss states no type",
        "it is always a real scalar: `loss {0} = …`"),
    Row("loss: real = x", r"^loss\s*$", r":", "a loss states no type",
        "it is always a real scalar: `loss = …`"),
    Row("dim N: int", r"^dim\b.*$", r":", "a dim has no type", "it is an integer: `dim N`"),
    Row("grad(L, W)", r"^(grad)\s*$", r"\(", "`grad` begins a statement of its own here",
        "name the value, `g = grad(L, W)`, or declare `grad L wrt W`", word=True),
    Row("for (t = 0; t < T; t++)", r"^for\s*$", r"\(", "expected the variable of the loop, found `(`",
        "`for i in range(N):` counts from 0 to N-1"),
    Row("input = 3", rf"^({_DECLARED})\s*$", r"[-+*/@%]?=|:.*=|,|\[|\.|\(|[-+*/@]",
        "`{0}` begins a statement of its own, so it cannot be a name here", "choose another name",
        lacks="NUMBER",
        word=True),
    Row("x := 3", rf"^{_WORD}\s*(:)$", r"=", "`:=` is not used", "`=` gives a name its value", word=True),
    Row("x <- 3", _TARGET, r"<-", "`<-` is not used", "`=` gives a name its value"),
    Row("x++", r"^(\w+)\s*$", r"\+\+|--", "there is no `++` or `--`", "`{0} += 1` counts up"),
    Row("x == 3", r"^(?:(?:output|loss|const|dim)\s+)?\w+\s*$", r"==",
        "`==` compares; it gives no value", "`=` gives a name its value"),
    Row("f(x) = 3", rf"^({_WORD})\s*$", r"(\([\w\s,]*\))\s*=", "a function is not defined by `=`",
        "write `def {0}(…): return …`", word=True),
    Row("print(x)", r"^(print)\s*$", r"\(", "`print(…)` alone is not a statement",
        "a value to look at is an `output`", word=True),
    Row("foo(x)", rf"^({_WORD})\s*$", r"\(", "`{0}(…)` alone is not a statement",
        "give its value a name: `y = {0}(…)`", word=True),
    Row("try:", rf"^({_WORD})\s*:$", _END, "`{0}` does not begin a block",
        "blocks begin with `def`, `adjoint`, `for`, `while` and `if`", word=True),
    Row("x: real", rf"^({_WORD})\s*:.*$", _END, "`{0}` gets no value",
        "`input`, `param` and `var` declare a name without one", needs="EQUAL", word=True),
    Row("x + y", _TARGET, r"[-+*/@%.<>]", "an expression alone is not a statement",
        "give its value a name: `y = …`", needs="AUGMENTED"),
    # --- declarations ---
    Row("input x", r"^(input|param|var)\s+(\w+)[^:]*$", _END + r"|=|\w",
        "expected `:` and a type, found {shown}",
        "for example `{0} {1}: real[N]`"),
    Row("var h: real = 3", r"^var\b.*:.*$", r"=", "a `var` has no initial value", "its elements start as 0"),
    Row("input x: real = 3", r"^input\b.*:.*$", r"=", "an input has no value of its own",
        "`const` gives a fixed value, `param` an initial one"),
    Row("param x: real > 0, < 1", r"^(?:input|param)\b.*:.*$", r",\s*[<>]",
        "no comma stands between constraints",
        "they follow one another: `> 0 < 1`", needs="_NEWLINE"),
    Row("input x: real, y: int", r"^(input|param|var)\b.*:.*$", r",", "one type a statement",
        "names of one type share it: `{0} x, y: real`; another type takes another line", needs="_NEWLINE"),
    Row("input x: real in [0, 1]", r"^(?:input|param)\b.*\bin\s*$", r"", "expected `range(…)`, found {shown}",
        "`in range(K)` bounds an integer, `>= 0 <= 1` a real"),
    Row("const c: real", r"^const\b[^=]*$", _END, "a `const` has a value",
        "for example `const decay = 1e-4`"),
    Row("input x: [N]", r"^\w+\s+.*:\s*$", r"\[", "expected a type before the shape",
        "for example `real[N]`"),
    Row("param w: real == 1", r"^(?:input|param)\b[^=]*:[^=]*(=)$", r"=", "a constraint is one of > >= < <=",
        "a value that is fixed is a `const`", word=True),
    Row("param w: real != 1", r"^(?:input|param)\b[^=]*:[^=]*$", r"!=", "a constraint is one of > >= < <="),
    Row("input x: real(3)", r"^\w+\b[^=]*:\s*(\w+)\s*$", r"\(", "expected `[`, found `(`",
        "a shape stands in square brackets: `{0}[N]`", needs="_NEWLINE"),
    Row("input x: real[N][M]", r"^\w+\b[^=]*:\s*(\w+)\[[^]]*\]\s*$", r"\[", "one pair of brackets a shape",
        "its dims are separated by commas: `{0}[N, M]`", needs="_NEWLINE"),
    Row("input x: real[]", r"\w\[$", r"\]", "nothing stands between the brackets",
        "a scalar has no brackets: `real`", needs="NUMBER", lacks="ELLIPSIS"),
    Row("grad f", r"^grad\s+(\w+)\s*$", _END + "|,|/", "expected `wrt`, found {shown}",
        "for example `grad {0} wrt x, y`"),
    Row("loss mean(x)", r"^(loss|output)\s+\w+\s*$", r"\(|\.|[-+*/@%]|\[", "expected `=`, found {shown}",
        "`{0} name = …` names the value", needs="_NEWLINE"),
    Row("output a = x, b = y", r"^(output|loss|const)\b.*=.*$", r",", "one `{0}` a line",
        "give each its own line", needs="_NEWLINE"),
    Row("from nn import *", r"^from\b.*import\s*$", r"\*", "names are imported one by one",
        "for example `from nn import linear, relu`"),
    Row("from nn import a as b", r"^from\b.*import\b.*$", r"as\b", "an imported name stays as it is",
        "drop `as …`"),
    Row("from a.b import c", r"^from\s+\w+\s*$", r"\.", "a module's name has no dots",
        'a file is named in quotes: `from "file.dsl" import f`'),
    # --- functions and blocks ---
    Row("def f(x) = x", r"^(def|adjoint)\b.*\)\s*$", r"=", "expected `:`, found `=`",
        "on one line: `def f(x): return …`"),
    Row("def f(x) -> real: return x", r"^(def|adjoint)\b.*\)\s*$", r"->", "a result's type is not stated",
        "it follows from the arguments"),
    Row("def f(a=1, b): return b", r"^def\b.*=.*,\s*(\w+)\s*$", r"[,)]",
        "a parameter without a default after one with a default", "put the parameters with defaults last",
        word=True),
    Row("for t in N:\n    x = 1", r"\bfor\s+\w+\s+in\s*$", r"", "expected `range(…)`, found {shown}",
        "`for i in range(N)` counts from 0 to N-1"),
    Row("for t = 1:10", r"^for\s+(\w+)\s*$", r"=", "expected `in`, found `=`",
        "`for {0} in range(a, b):` goes from a to b-1"),
    Row("for i, x in y:", r"^for\s+\w+\s*$", r",", "a loop has one variable", "`for i in range(N):`"),
    Row("if a: x = 1 else: x = 2", r"^(?:if|elif)\b.*:.*$", r"else\b", "`else` begins a line of its own",
        "a choice between values is `x = a if condition else b`", needs="_NEWLINE"),
    Row("if a: for i in range(3): x = 1", r":\s*$", r"(if|for|while|def|adjoint)\b",
        "a block on one line holds no other block", "give `{found}` a line of its own, indented",
        needs="_NEWLINE"),
    Row("if a: x = 1\nelse if b: x = 2", r"^(else)\s*$", r"if\b", "`else if` is not used",
        "a further condition is `elif …:`", word=True),
    Row("if x = 1:\n    y = 2", r"^(?:if|elif|while|assert)\b.*$", r"=", "`=` does not compare",
        "two values are compared by `==`"),
    Row("for t in range(T)\n    x = t", r"^(?:if|elif|else|for|while|def|adjoint)\b.*$",
        _END + r"|then\b|do\b|\{",
        "expected `:`, found {shown}", "the line above a block ends in `:`", needs="COLON"),
    # --- calls ---
    Row("y = np.linalg.norm(x)",
        r"\b((?:np|numpy|jnp|math|torch|sp|scipy|F|nn|tf)\.(?:\w+\.)*)(\w+)\s*$", r"\(",
        "functions have no module's name before them", "write `{1}(…)`", word=True),
    Row("y = x.T()", r"(\.T)\s*$", r"\(", "`.T` is not called", "write it without brackets", word=True),
    Row("y = x.sum()", r"\b((\w+)\.(\w+))\s*$", r"\(\s*\)", "values have no methods", "write `{2}({1})`",
        word=True),
    Row("y = x.sum(0)", r"\b((\w+)\.(\w+))\s*$", r"\(", "values have no methods", "write `{2}({1}, …)`",
        word=True),
    Row("y = (a)(b)", r"[\])0-9]\s*$", r"\(", "expected an operator, found `(`", "`*` multiplies",
        needs="SCALE"),
    Row("y = f(a=1, b)", r"\(.*[\w\s]=(?!=).*,\s*(\w+\s*|)$", r"",
        "a positional argument after one with a name",
        "put the arguments with names last", lacks="SIGN", word=True),
    Row("y = f(x for i in range(3), 1)", _SUM, r",", "a sum over `for` stands alone in its brackets",
        "sum first, then use the result", needs="RPAR"),
    Row("y = sum(x for i in range(3) for j in range(4))", _SUM, r"for\b", "a sum has one `for`",
        "nest them: `sum(sum(… for j in range(M)) for i in range(N))`"),
    Row("y = sum(x for i in range(3) if c)", _SUM, r"if\b", "a sum has no `if`",
        "add 0 instead: `sum(… if c else 0 for i in range(N))`", needs="RPAR", lacks="SCALE"),
    Row("y = [x for i in range(3)]", r"[\[(][^\])]*$", r"for\b", "no list is built by `for`",
        "fill a `var` in a loop, or add up by `sum(… for i in range(N))`", needs="SCALE",
        lacks="FOR"),
    # --- expressions ---
    Row("y = [1, 2; 3, 4]", r"\[[^\])(]*$", r";", "expected `,`, found `;`",
        "each row of an array is a list: `[[1, 2], [3, 4]]`"),
    Row("y = 1__0", r"[0-9]$", r"_", "`_` in a number stands between two digits"),
    Row("y = 3j", r"(?:^|[^\w.])[0-9][0-9_.]*$", r"j\b", "there are no complex numbers"),
    Row("y = 2x", r"(?:^|[^\w.])([0-9][0-9_.]*)$", r"[^\W\d]", "expected an operator, found {shown}",
        "`*` multiplies: `{0}*{found}`", needs="SCALE"),
    Row("y = 1.2.3", r"(?:^|[^\w.])([0-9]+\.[0-9]+\.)$", r"[0-9]",
        "a number has one decimal point", word=True),
    Row("y = lambda x: x", r"\b(lambda)\s*$", r"\w", "there are no anonymous functions",
        "name it: `def f(x): return …`", word=True),
    Row("y = if c then a else b", r"$", r"if\b", "expected an expression, found `if`",
        "a choice is `a if condition else b`", needs="NUMBER"),
    Row("y = a .* b", r"(\.)$", r"[*/^]", "there is no `.*`, `./` or `.^`",
        "`*`, `/` and `**` go element by element; the matrix product is `@`", word=True),
    Row("y = A'*b'", r"[\w)\]]$", r"'", "expected an operator, found a string", "a transpose is `A.T`"),
    Row("y = a => b", r"=.*\w\s*$", r"=>", "there is no `=>`", "`>=` compares"),
    Row("y = a =< b", r"=.*\w\s*$", r"=<", "there is no `=<`", "`<=` compares"),
    Row("y = a <> b", r"(<)$", r">", "there is no `<>`", "`!=` compares", word=True),
    Row("y = a === b", r"([=!]=)$", r"=", "there is no `{0}=`", "`{0}` compares", word=True),
    Row("y = z = 3", r"^[^=(]*=(?!=)[^(]*\w\s*$", r"=", "one `=` a statement",
        "give each name a line of its own",
        needs="_NEWLINE"),
)  # fmt: skip
