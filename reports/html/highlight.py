"""Python source as HTML with its words classed, by one regular expression.

Programs in a record come from strangers, so nothing is parsed: text that is no Python is shown all the same.
"""

from __future__ import annotations

import keyword
import re

from markupsafe import Markup, escape

from harness.values import printable

_TOKEN = re.compile(
    r"""
      (?P<comment>\#.*)
    | (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<number>\b\d[\w.]*)
    | (?P<word>[^\W\d]\w*)
    """,
    re.VERBOSE,
)
_KEYWORDS = frozenset(keyword.kwlist)
_CLASSES = {"comment": "tc", "string": "ts", "number": "tn"}


def highlight(source: str) -> Markup:
    source = printable(source)
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(source):
        parts.append(escape(source[end : token.start()]))
        end = token.end()
        kind = _CLASSES.get(token.lastgroup or "") or ("tk" if token[0] in _KEYWORDS else "")
        parts.append(f'<i class="{kind}">{escape(token[0])}</i>' if kind else escape(token[0]))
    return Markup("".join([*parts, escape(source[end:])]))
