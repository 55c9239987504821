"""Names and signs that the grammar knows, with and without a backslash."""

FUNCTIONS = {
    **{
        name: name
        for name in [
            "sin",
            "cos",
            "tan",
            "cot",
            "sec",
            "csc",
            "sinh",
            "cosh",
            "tanh",
            "coth",
            "sech",
            "csch",
            "cis",
            "asin",
            "acos",
            "atan",
            "acot",
            "asec",
            "acsc",
            "asinh",
            "acosh",
            "atanh",
            "acoth",
            "exp",
            "ln",
            "log",
            "sqrt",
            "cbrt",
            "abs",
            "floor",
            "ceil",
            "gcd",
            "lcm",
            "max",
            "min",
            "zeta",
            "gamma",
            "erf",
            "sign",
            "arg",
            "re",
            "im",
            "factorial",
            "binomial",
            "mod",
        ]
    },
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctg": "atan",
    "arccot": "acot",
    "arcsec": "asec",
    "arccsc": "acsc",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "tg": "tan",
    "ctg": "cot",
    "cosec": "csc",
    "lg": "log10",
    "Re": "re",
    "Im": "im",
    "ceiling": "ceil",
    "sgn": "sign",
}
"""Functions by every name they have."""

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "vartheta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "varphi",
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
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
        "ell",
        "hbar",
        "aleph",
    ]
)

CONSTANT_NAMES = {"pi": "pi", "infty": "infinity", "infinity": "infinity", "inf": "infinity", "oo": "infinity"}

KNOWN = frozenset({*FUNCTIONS, *GREEK, *CONSTANT_NAMES}) - {"re", "im", "Re", "Im", "arg", "inf"}
"""What a run of letters without a backslash may be made of."""

VARIANTS = {"varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi"}

RELATIONS = {
    **{sign: sign for sign in ("=", "<", ">", "<=", ">=", "!=")},
    "==": "=",
    r"\eq": "=",
    r"\le": "<=",
    r"\leq": "<=",
    r"\leqslant": "<=",
    r"\ge": ">=",
    r"\geq": ">=",
    r"\geqslant": ">=",
    r"\lt": "<",
    r"\gt": ">",
    r"\ne": "!=",
    r"\neq": "!=",
    r"\in": "in",
    r"\equiv": "equiv",
    r"\approx": "approx",
    r"\to": "to",
    r"\rightarrow": "to",
    r"\mid": "mid",
    r"\colon": ":",
}
"""Relation signs by every spelling."""

SETS = {"R": "reals", "Z": "integers", "N": "naturals", "Q": "rationals", "C": "complexes"}

CLOSERS = {
    "(": ")",
    "[": "]",
    "{": "}",
    r"\{": r"\}",
    r"\langle": r"\rangle",
    r"\lfloor": r"\rfloor",
    r"\lceil": r"\rceil",
}
"""What closes a bracket."""

BARS = frozenset({"|", r"\vert", r"\lvert", r"\rvert", r"\|", r"\Vert"})
