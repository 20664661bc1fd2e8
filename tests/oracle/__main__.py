"""python -m tests.oracle [SPEC ...]: how many of the gradients that the suite states are confirmed, and how."""

from __future__ import annotations

import sys
from collections import Counter

from harness.selection import select, written
from tests.oracle.confirm import BY_DIFFERENCES, CONFIRMED, CONTRADICTED, EXACTLY, EXCEPTED, exceptions, findings


def main(words: list[str]) -> int:
    listed = exceptions()
    found = list(findings(select(words) if words else written(), listed))
    counts = Counter(finding.outcome for finding in found)
    confirmed = sum(counts[outcome] for outcome in CONFIRMED)
    print(f"{len(found):6} gradients are stated, in {len({finding.spec for finding in found})} specs")
    print(f"{counts[EXACTLY]:6} confirmed in exact arithmetic")
    print(f"{counts[BY_DIFFERENCES]:6} confirmed by differences")
    print(f"{len(found) - confirmed:6} not confirmed ({confirmed / max(len(found), 1):.0%} are):")
    for outcome, count in counts.most_common():
        if outcome not in CONFIRMED:
            print(f"{count:12} {outcome}")
    if words or counts[CONTRADICTED]:
        for finding in found:
            if words or finding.outcome == CONTRADICTED:
                print(f"{finding.case}: {finding.text}: {finding.outcome}")
                if finding.outcome not in (EXACTLY, BY_DIFFERENCES):
                    print(f"    stated {finding.stated}\n    found  {finding.found!r}"[:500])
    for id in sorted(
        listed.keys() - {finding.spec for finding in found if finding.outcome == EXCEPTED} if not words else ()
    ):
        print(f"{id}: on the list of exceptions, and nothing of it needs to be there")
    return 1 if counts[CONTRADICTED] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
