"""Bugs that engines shipped: `specs/_bugs.yaml` names what of the suite catches each, and `docs/bugs.md` shows it.

`python -m tests.test_bugs` writes the page anew.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import pytest

from harness.places import room
from harness.selection import suite

PAGE = Path(__file__).parents[1] / "docs" / "bugs.md"
ASPECTS = {
    "gradient",
    "points",
    "strided",
    "expanded",
    "forward",
    "second",
    "forward-over-reverse",
    "reverse-over-forward",
    "forward-over-forward",
}
"""Of an operation of the derivative table: ``ops/ROW/ASPECT``."""
INTRODUCTION = """\
# Bugs that shipped

Every bug on this page was in an engine that people used. Each row names what of the suite goes red on it; the list is
`specs/_bugs.yaml`. A name that begins with `ops/` is a row of the derivative table, the others are specs:
`harness show NAME` prints one, `harness run --engine E NAME` runs it.

Few are exotic: a factor that is zero, a value that is used twice, two leaves with equal numbers, a view that was written to,
a second derivative.

| engine | releases | what went wrong | what catches it |
|---|---|---|---|
"""
SEEN = """
## Seen on the releases themselves

The program of the spec, run on a release that can be installed: by the suite where the engine has an adapter for it, by hand
in the engine's own spelling where it has none.

| engine | release | bug | seen |
|---|---|---|---|
"""


class Bug(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A bug of a released engine, and what keeps it out."""

    id: str
    engine: str
    versions: str
    behaviour: str
    kept_by: tuple[str, ...]
    report: str = ""
    seen: dict[str, str] = {}

    @property
    def link(self) -> str:
        """To the report, named as GitHub names it; bugs that nobody reported have a name only."""
        if not self.report:
            return self.id
        owner, repository, _, number = self.report.removeprefix("https://github.com/").split("/")
        return f"[{owner}/{repository}#{number}]({self.report})"


def bugs() -> list[Bug]:
    return msgspec.yaml.decode((room("specs") / "_bugs.yaml").read_bytes(), type=list[Bug])


def page() -> str:
    """The page about them, as it must stand in docs."""
    shipped = [
        f"| {bug.engine} | {bug.versions} | {bug.behaviour} {bug.link} | {', '.join(f'`{id}`' for id in bug.kept_by)} |\n"
        for bug in bugs()
    ]
    seen = [
        f"| {bug.engine} | {release} | {bug.link} | {what} |\n" for bug in bugs() for release, what in bug.seen.items()
    ]
    return "".join([INTRODUCTION, *shipped, SEEN, *seen])


@cache
def known() -> frozenset[str]:
    return frozenset(checked.spec.id for checked in suite())


def test_every_bug_is_listed_once() -> None:
    ids = [bug.id for bug in bugs()]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("bug", bugs(), ids=lambda bug: bug.id)
def test_what_catches_a_bug_exists(bug: Bug) -> None:
    assert bug.kept_by
    for id in bug.kept_by:
        if id.startswith("ops/") and not (room("specs") / "ops").is_dir():
            assert id.rpartition("/")[2] in ASPECTS
        else:
            assert id in known()


def test_the_page_shows_the_list() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m tests.test_bugs`"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
