"""LaTeX commands that say how something looks, or that have a simpler spelling: brought to the few that the grammar knows."""

import re

_BRACES = {r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]"}
_BRACE = re.compile(r"\\[lr]brac[ek](?![A-Za-z])\s*")
_PHANTOM = re.compile(r"\\(?:[hv]?phantom)\s*(?:\{[^{}]*\}|\S)")
_LOOKS = re.compile(
    r"\\(?:text|page)?color(?:\[[^\[\]]{0,40}\])?\s*\{[^{}]*\}|\\(?:colorbox|fcolorbox\s*\{[^{}]*\})\s*\{[^{}]*\}"
    r"|\\(?:tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge|bfseries|itshape|rmfamily|centering|strut"
    r"|mathstrut|nonumber|notag|qedhere|blacksquare|checkmark|scriptstyle|ensuremath|mathop|mathord)(?![A-Za-z])"
    r"|\\(?:bf|rm|it|sf|tt|em)(?![A-Za-z])(?!\s*\{)|\\(?:tag|label)\s*\*?\{[^{}]*\}"
)
_DOLLAR = re.compile(r"\\text\s*\{\s*\\?\$\s*\}|\\(?:text|math)dollar(?![A-Za-z])(?:\{\})?")
_COMMANDS = re.compile(
    r"\\(?:left|right|[bB]ig{1,2}[lrm]?|displaystyle|textstyle|limits|nolimits|hfill)(?![A-Za-z])\s*\.?(?=[^0-9]|$)"
)
_SPACES = re.compile(r"(?<!\\)\\(?:[,;:! ]|hspace\{[^{}]*\}|(?:quad|qquad|allowbreak)(?![A-Za-z]))|~|(?<!\\)\\(?:\n|$)")
_FRACTIONS = re.compile(r"\\(?:[dtcs]|nice)frac(?![A-Za-z])")
_OVER = re.compile(r"(?:^|(?<==))((?:[^={}]|\{[^{}]*\})*\\over(?![A-Za-z])(?:[^={}]|\{[^{}]*\})*)$")
_SPELT = (
    (re.compile(r"\\(?:text|mbox|mathrm)\s*\{[\s.,]*\}"), " "),
    (re.compile(r"(\\(?:text|mathrm)\{[^{}]*?)(?:\\[,;:! ]\s*)([^{}]*)\^\{(-?\d)\}(?=[^{}]*\})"), r"\1 \2^\3"),
    (re.compile(r"(\\(?:text|mathrm)\{[^{}]*)\^\{(-?\d)\}(?=[^{}]*\})"), r"\1^\2"),
    (re.compile(r"\\(?:text|mathrm|operatorname)\s*\{\s*(?:gcd|GCD|hcf|HCF|gcf|GCF)\s*\}(?=\s*\()"), r"\\gcd"),
    (re.compile(r"\\(?:text|mathrm|operatorname)\s*\{\s*LCM\s*\}(?=\s*\()"), r"\\lcm"),
    (re.compile(r"\\num\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{\\?([^{}]*)\}"), r"\1\\text{ \2}"),
    (re.compile(r"\\surd(?![A-Za-z])"), r"\\sqrt "),
    (re.compile(r"\\forall(?![A-Za-z])"), r"\\text{ for all }"),
    (re.compile(r"\\text\s*\{\s*\^\s*\\circ\s*([CF]?)\s*\}"), r"^\\circ \1"),
    (re.compile(r"(\\mathbb\{[A-Z]\})\s*\\\s*\{([^{}]*[^\\{}])\}"), r"\1\\setminus \\{\2\\}"),
)
"""Commands, and what they are in the notation that the grammar knows."""
_TEXT = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal|sc)?|mbox|hbox|mathrm|mathbf|mathit|mathsf|bold|rm|bf)\s*\{")
_OPERATOR = re.compile(
    r"\\(?:operatorname\*?\s*\{\s*([A-Za-z]+)\s*\}"
    r"|(?:text|mathrm)\s*\{\s*(lcm|gcd|max|min|log|ln|sin|cos|tan|exp|cis)\s*\}(?!\s*\.?\s*\$?\s*$))"
)
_SYMBOL = re.compile(r"\\(?:text|math(?:rm|bf|it|sf)|mbox)\s*\{\s*([A-Za-z])\s*\}")
_UNITS_APART = re.compile(
    r"(?<=[\d})])\s*\\text\{([^{}]*[A-Za-z])\s*\}\s*((?:\^\s*\{?\d\}?)?)\s*(/|\\cdot(?![A-Za-z]))\s*\\text\{\s*(?=[A-Za-z])"
)
_UNITS_OVER = re.compile(
    r"(?<=[\d})])\s*\\frac\s*\{\s*\\text\{\s*([A-Za-z]+)\s*\}\s*\}\s*\{\s*\\text\{\s*([A-Za-z]+)\s*\}\s*\}"
)


def simpler(text: str) -> str:
    r"""One spelling of spacing, sizing, fraction and font commands; `\text{}` is the only command left that holds words."""
    text = _BRACE.sub(lambda m: _BRACES[m[0].strip()], _PHANTOM.sub(" ", text))
    text = _COMMANDS.sub("", _DOLLAR.sub(r"\\$", _LOOKS.sub(" ", text)))
    for command, spelt in _SPELT:
        text = command.sub(spelt, text)
    text = _FRACTIONS.sub(r"\\frac", _SPACES.sub(" ", text))
    text = _OVER.sub(r"{\1}", text) if r"\over" in text else text
    text = _OPERATOR.sub(lambda found: f"\\{found[1] or found[2]} ", text)
    text = _TEXT.sub(r"\\text{", text)
    text = _UNITS_OVER.sub(r"\\text{ \1/\2}", _UNITS_APART.sub(_together, text))
    return text if _SYMBOL.fullmatch(text.strip()) else _SYMBOL.sub(_symbol, text)


def _together(found: re.Match[str]) -> str:
    r"""`\text{m}/\text{s}` as one text."""
    return rf"\text{{{found[1]}{found[2]}{'/' if found[3] == '/' else ' '}"


def _symbol(found: re.Match[str]) -> str:
    r"""A letter of `\mathrm{x}`; after a number it is left to be a unit."""
    before = found.string[: found.start()].rstrip()[-1:]
    return found[0] if before.isdigit() or before in {"}", ")"} else f" {found[1]} "
