"""PyTorch's releases: which of them an engine is, and what a spec says of them.

``since``, ``until`` and the ``versions`` of an outcome speak of PyTorch's releases. They hold for an engine whose
engine.yaml says ``releases: pytorch``; of any other engine they say nothing, and every outcome of an ``either`` is allowed.
"""

from __future__ import annotations

from harness.language.records import Outcome, Spec
from harness.plugins import EngineFile, Releases, in_range


def release(file: EngineFile, version: str) -> str:
    """The release of PyTorch that an engine is (a build of it counts as the release itself); empty where it is none."""
    if file.releases is not Releases.PYTORCH:
        return ""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version).base_version
    except InvalidVersion:
        return ""


def outside(spec: Spec, of: str) -> str:
    """Why release ``of`` of PyTorch is not judged by a spec; empty where it is."""
    if of and spec.since and not in_range(of, f">={spec.since}"):
        return f"PyTorch has it since {spec.since}"
    if of and spec.until and not in_range(of, f"<{spec.until}"):
        return f"PyTorch has it before {spec.until} only"
    return ""


def applies(outcome: Outcome, of: str) -> bool:
    """Whether an outcome is one of release ``of`` of PyTorch, or of an engine that is none (empty)."""
    return not of or in_range(of, outcome.versions)
