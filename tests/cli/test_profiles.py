"""`--profile`: named parts of the suite, and the file that says what they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import profiles
from harness.exits import Exit
from harness.language.sources import FILE as DOCUMENTS
from harness.problems import InputError
from harness.record import read
from tests.conftest import ROWS_ONCE, Harness, SpecFile


def rows(harness: Harness, *arguments: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in json.loads(harness("list", "--json", *arguments).out)}


def test_a_list_without_a_profile_is_the_full_one(harness: Harness) -> None:
    """What no document says is only in the profile `pytorch`, which holds all."""
    full, everything = rows(harness), rows(harness, "--profile", "pytorch")
    assert full == rows(harness, "--profile", "full")
    left = {row["standing"] for id, row in everything.items() if id not in full}
    assert left and left <= {"observed", "quirk"}
    assert not {row["standing"] for row in full.values()} & {"observed", "quirk"}


def test_a_profile_narrows_what_else_is_selected(harness: Harness) -> None:
    """Both must hold."""
    core, grad = rows(harness, "--profile", "core"), rows(harness, "--area", "grad")
    assert rows(harness, "--profile", "core", "--area", "grad").keys() == core.keys() & grad.keys()
    assert "saved/only-what-is-needed" in rows(harness, "saved/only-what-is-needed")
    assert rows(harness, "saved/only-what-is-needed", "--profile", "full") == {}


def test_a_profile_holds_what_its_file_says(harness: Harness) -> None:
    """Areas and ids that are included, but for those that are excluded."""
    core = profiles.profiles()["core"]
    ids = rows(harness, "--profile", "core")
    assert (
        "leaf/created-with-flag" in ids and "node/edges" not in ids and "optim/missing-zero-grad-accumulates" not in ids
    )
    assert core.exclude and not ids.keys() & set(core.exclude)


def test_the_functional_profile_expects_numbers_only(harness: Harness) -> None:
    """No error, no warning, no flag: an engine without a tape can be asked all of it."""
    for line in harness("export", "--profile", "functional", *ROWS_ONCE).out.splitlines()[1:]:
        spec = json.loads(line)
        assert not any(step["raises"] or step["warns"] for step in spec["steps"])
        forms = {due["form"] for case in spec["cases"] for step in case["expected"] for due in step}
        assert forms <= {"numbers", "one-of", "unjudged"}, spec["id"]  # unjudged: an outcome says what is due


def test_a_record_and_its_reports_say_which_profile(harness: Harness, tmp_path: Path, spec_file: SpecFile) -> None:
    """Named, the default, or none; a rerun keeps it."""
    arguments = ("run", "--engine", "reference", "--isolate", "none")
    harness(*arguments, "--profile", "core", "--area", "leaf", "-o", "a")
    assert read(tmp_path / "a" / "reference.jsonl").header.profile == "core"
    for name in ("report.html", "junit.xml", "summary.md", "badge-reference.svg"):
        assert "core" in (tmp_path / "a" / name).read_text(encoding="utf-8"), name
    assert "cases of profile core pass" in harness(*arguments, "--profile", "core", "--area", "leaf", "-o", "a").out
    harness(*arguments, "--area", "leaf", "-o", "b", "--report", "none")
    assert read(tmp_path / "b" / "reference.jsonl").header.profile == "full"
    harness("rerun", "a", "-o", "again")
    assert read(tmp_path / "again" / "reference.jsonl").header.profile == "core"
    harness(*arguments, spec_file("run: x = tensor(1.)\nexpect: {x: 1.}"), "-o", "c", "--report", "none")
    assert read(tmp_path / "c" / "reference.jsonl").header.profile == ""


def test_an_unknown_profile_is_named_with_the_nearest(harness: Harness) -> None:
    """One message, a usage error."""
    result = harness("run", "--engine", "reference", "--profile", "cor")
    assert result.code == Exit.USAGE
    assert "no profile 'cor'; did you mean 'core'?" in result.err


def test_deviations_beyond_the_profile_are_not_stale(harness: Harness, tiny: Path) -> None:
    """A known deviation in what was not run may still happen; one that fits nothing at all may not."""
    text = (tiny / "engine.yaml").read_text(encoding="utf-8")
    known = "".join(f"  - {{cases: {id}, reason: r, link: l}}\n" for id in ("node/edges", "node/no-such"))
    (tiny / "engine.yaml").write_text(f"{text}deviations:\n{known}", encoding="utf-8")
    told = harness("run", "--engine", tiny, "--profile", "core", "--isolate", "none", "--report", "none").out
    assert "stale: the known deviation node/no-such" in told
    assert "node/edges" not in told


GOOD = "core:\n  about: a\n  standings: [documented]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "  include: [leef]\n", "4:13: 'leef' fits no area; did you mean 'leaf'?"),
        (GOOD + "  exclude: [leaf/two]\n", "'leaf/two' fits no spec"),
        ("core:\n  about: a\n  standings: [documentd]\n", "did you mean 'documented'?"),
        ("core:\n  standings: [documented]\n", "'about' is missing"),
        (GOOD + "  includes: [leaf]\n", "unknown key 'includes'; did you mean 'include'?"),
    ],
)
def test_mistakes_in_the_file_are_told(tmp_path: Path, text: str, said: str) -> None:
    """With their place and the nearest known word."""
    (tmp_path / "leaf").mkdir()
    (tmp_path / "leaf" / "one.yaml").write_text("id: leaf/one\n", encoding="utf-8")
    (tmp_path / profiles.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        profiles.read(tmp_path)
    assert said in str(caught.value)


def test_the_suite_s_own_files_are_beside_the_specs() -> None:
    """They are no specs, and every way of packing the suite must take them along."""
    from harness.places import room

    assert (room("specs") / profiles.FILE).is_file() and (room("specs") / DOCUMENTS).is_file()


def test_a_run_of_a_profile_judges_all_of_those_that_it_contains(harness: Harness, tmp_path: Path) -> None:
    """Which profiles a record can say something about, and which of them hold a spec."""
    held = {name: {*rows(harness, "--profile", name)} for name in profiles.profiles()}
    for name in held:
        contained = profiles.within(name)
        assert name in contained and all(held[other] <= held[name] for other in contained)
    assert "core" in profiles.within("full") and "full" not in profiles.within("core")
    harness("run", "--engine", "reference", "leaf", "kinks", "--isolate", "none", "--report", "none", "-o", "out")
    run = read(tmp_path / "out" / "reference.jsonl")
    assert run.header.profiles == [], "two areas are no whole profile"
    for id, spec in run.specs.items():
        assert spec.profiles == [name for name, ids in held.items() if id in ids]
