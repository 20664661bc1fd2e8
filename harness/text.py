"""Text that came from an engine, a spec or a record, made safe to show and to store."""

from __future__ import annotations

import re

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(words: str) -> str:
    """Text from a record, with all that could steer a terminal, a parser or the reading direction made visible."""
    return _BIDI.sub("\ufffd", _CONTROL.sub(lambda m: chr(0x2400 + ord(m[0])) if m[0] < " " else "\ufffd", words))


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clean(text: str) -> str:
    """``text`` as UTF-8 can hold it: half characters (lone surrogates) are replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
