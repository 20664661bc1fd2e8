"""Profiles: named parts of the suite, for different kinds of engines. ``specs/_profiles.yaml`` says what each one holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from harness.language import documents, load
from harness.language.decode import Decoder
from harness.language.load import CheckedSpec
from harness.language.records import Expectation, Record, Standing, Text
from harness.places import room
from harness.problems import InputError, nearest, shortened

FILE: Final = "_profiles.yaml"
DEFAULT: Final = "full"
"""Where no profile is named, and no spec either."""
DERIVING: Final = (".backward", "backward", "grad", "func.", "functional.", "forward_ad.")
"""Words (or how they begin) that yield derivatives."""


class Profile(Record, frozen=True, kw_only=True):
    """Which behaviours it holds: those of its standings that fit ``include`` and do not fit ``exclude``."""

    about: Annotated[Text, Meta(description="whom it is for")]
    standings: Annotated[tuple[Standing, ...], Meta(min_length=1)]
    include: Annotated[
        tuple[Text, ...], Meta(min_length=1, description="patterns; with a slash they fit ids, without one areas")
    ] = ("*",)
    exclude: tuple[Text, ...] = ()
    values: Annotated[
        bool, Meta(description="only specs that state derivatives as numbers, and expect nothing else")
    ] = False

    def holds(self, checked: CheckedSpec) -> bool:
        """Whether a spec is in the profile."""
        id = checked.spec.id
        return (
            checked.spec.standing in self.standings
            and any(fits(id, pattern) for pattern in self.include)
            and not any(fits(id, pattern) for pattern in self.exclude)
            and (not self.values or states_values(checked))
        )

    def contains(self, other: Profile) -> bool:
        """Whether it surely holds every spec that ``other`` holds."""
        everywhere = self.include == ("*",) and not self.exclude and not self.values
        return self == other or (everywhere and {*other.standings} <= {*self.standings})


class _File(Record, frozen=True, kw_only=True):
    profiles: dict[Text, Profile]


def fits(id: str, pattern: str) -> bool:
    """Whether a pattern of a profile fits a spec's id: by its area, unless it has a slash."""
    return fnmatchcase(id if "/" in pattern else id.partition("/")[0], pattern)


def states_values(checked: CheckedSpec) -> bool:
    """Whether a spec states derivatives as numbers, and nothing besides: no error, no warning, no flag, no name."""
    derives = any(
        need == word or (word.endswith(".") and need.startswith(word)) for need in checked.needs for word in DERIVING
    )
    quiet = not any(step.may_raise or step.warns or step.is_loud for step in checked.spec.steps)
    entries = [entry for step in checked.observations for entry in step]
    entries += [entry for step in checked.outcomes for outcome in step for _, entry in outcome]
    stated = [(entry.expectation, entry.words) for entry in entries if entry.expectation is not None]
    cases = checked.spec.cases
    return (
        derives and quiet and bool(stated) and all(not words and _is_numbers(value, cases) for value, words in stated)
    )


def _is_numbers(expectation: Expectation, cases: Sequence[Mapping[str, object]]) -> bool:
    values = expectation.any or (expectation.value,)
    return all(value is not msgspec.UNSET and _numbers(value, cases) for value in values)


def _numbers(value: object, cases: Sequence[Mapping[str, object]] = ()) -> bool:
    """Numbers in nested lists; text is an expression, which yields numbers unless it is a parameter that has others."""
    if isinstance(value, list):
        return all(_numbers(item, cases) for item in value)
    if isinstance(value, str):
        return all(_numbers(case[value]) for case in cases if value in case)
    return value is not None and not isinstance(value, bool)


@cache
def profiles() -> Mapping[str, Profile]:
    """The suite's profiles by name, in the order of the file, read once. Raises `InputError`."""
    return read(room("specs"))


def read(folder: Path) -> Mapping[str, Profile]:
    """The profiles of the specs below ``folder``. Raises `InputError` with everything that is wrong."""
    path, shown = folder / FILE, f"{folder.name}/{FILE}"
    node = documents.read(path, shown)
    decoder = Decoder(shown)
    file = decoder.record(documents.Mapping(node.place, {"profiles": (node.place, node)}), _File)
    ids = [spec.relative_to(folder).with_suffix("").as_posix() for spec in load.find([folder])]
    known = [*dict.fromkeys(id.partition("/")[0] for id in ids), *ids]
    for name, profile in (file.profiles if file is not None else {}).items():
        for key, patterns in (("include", profile.include), ("exclude", profile.exclude)):
            for index, pattern in enumerate(patterns):
                if not any(fits(id, pattern) for id in ids):
                    what = "spec" if "/" in pattern else "area"
                    hint = nearest(pattern, known) or "; `harness list` shows them"
                    place = decoder.places["profiles", name, key, index]
                    decoder.problem(place, f"{shortened(pattern)} fits no {what}{hint}")
    if decoder.problems or file is None:
        raise InputError(decoder.problems)
    return file.profiles


def named(name: str | None, specs: Sequence[str]) -> str:
    """The profile that a command means: the one it names, or the default where it names no spec; empty for none."""
    return name if name is not None else "" if specs else DEFAULT


def within(name: str) -> list[str]:
    """The profiles that a run of profile ``name`` judges completely."""
    known = profiles()
    return [other for other in known if known[name].contains(known[other])] if name in known else []


def narrow(specs: Iterable[CheckedSpec], name: str) -> list[CheckedSpec]:
    """Those of ``specs`` that profile ``name`` holds; all where it is empty. Raises `SelectionError`."""
    if not name:
        return list(specs)
    known = profiles()
    if name not in known:
        from harness.selection import SelectionError

        raise SelectionError(f"no profile {name!r}{nearest(name, known) or '; known are ' + ', '.join(known)}")
    return [spec for spec in specs if known[name].holds(spec)]
