"""Patterns of the contract as programs for FieldPattern, which matches in bounded time."""

import re
import warnings

try:
    from re import _constants as constants
    from re import _parser as parser
except ImportError:  # Python 3.10 and older
    import sre_constants as constants
    import sre_parse as parser

from . import overrides


class Patterns:
    """Numbers each distinct pattern once, in order of first use."""

    def __init__(self, enumeration: str):
        self.enumeration = enumeration
        self.numbers: dict[str, int] = {}

    def name(self, pattern: str) -> str:
        pattern = overrides.PATTERNS.get(pattern, pattern)
        number = self.numbers.setdefault(pattern, len(self.numbers) + 1)
        return f"{self.enumeration}.p{number:02}"

    def text(self) -> str:
        lines = [f"enum {self.enumeration} {{"]
        for pattern, number in self.numbers.items():
            lines += [f"    /// `{pattern}`", f"    static let p{number:02} = FieldPattern({program(pattern)})"]
        return "\n".join(lines + ["}", ""])


def program(pattern: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sequence(parser.parse(pattern))


def sequence(items) -> str:
    parts = [node(op, value) for op, value in items]
    return parts[0] if len(parts) == 1 else ".sequence([" + ", ".join(parts) + "])"


def node(op, value) -> str:
    if op is constants.AT:
        if value is constants.AT_BEGINNING:
            return ".start"
        if value is constants.AT_END:
            return ".end"
    if op is constants.LITERAL:
        return f".set([{span(value, value)}])"
    if op is constants.IN:
        return ".set([" + ", ".join(member(o, v) for o, v in value) + "])"
    if op is constants.SUBPATTERN:
        return sequence(value[-1])
    if op is constants.BRANCH:
        return ".either([" + ", ".join(sequence(branch) for branch in value[1]) + "])"
    if op is constants.MAX_REPEAT:
        low, high, body = value
        most = "nil" if high is constants.MAXREPEAT else str(high)
        return f".times({low}, {most}, {sequence(body)})"
    raise ValueError(f"pattern element {op} is not supported")


def member(op, value) -> str:
    if op is constants.LITERAL:
        return span(value, value)
    if op is constants.RANGE:
        return span(*value)
    if op is constants.CATEGORY and value is constants.CATEGORY_DIGIT:
        return span(48, 57)
    raise ValueError(f"pattern set element {op} is not supported")


def span(low: int, high: int) -> str:
    return f"{low}...{high}"
