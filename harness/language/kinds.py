"""Kinds of errors and warnings: one vocabulary, each word with a sentence of meaning (``kinds.yaml`` beside this file)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.language import documents


@cache
def _sections() -> dict[str, dict[str, str]]:
    out: dict[str, dict[str, str]] = documents.plain(documents.read(Path(__file__).with_suffix(".yaml")))
    return out


def errors() -> dict[str, str]:
    """Kind -> what it means, for ``raises``."""
    return _sections()["errors"]


def warnings() -> dict[str, str]:
    """Kind -> what it means, for ``warns``."""
    return _sections()["warnings"]
