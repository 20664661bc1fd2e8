"""What was worked out before, kept between runs: never needed, never believed unless it is whole and of this very harness.

One file per store, written whole through a temporary one; its first 32 bytes are the SHA-256 of the rest. Keys are hashes
over everything that the value depends on, the harness's own source among it, so nothing in it can be stale.
``HARNESS_CACHE`` names another folder; empty, it switches the cache off.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from pathlib import Path

LARGEST = 128 * 2**20
"""A file that has grown beyond this keeps only what its last user needed. It holds the suites of four checkouts."""


def folder() -> Path | None:
    """Where caches are; None where there is none."""
    named = os.environ.get("HARNESS_CACHE")
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "autograd-conformance"


def stamp() -> bytes:
    """A hash of this Python and of all of the harness that specs and compiled programs depend on."""
    here = Path(__file__).parent
    mixed = hashlib.sha256(f"{sys.version} {sys.implementation.cache_tag}".encode())
    rooms = (here / "language").glob("*.*"), (here / "tables").glob("*.py")
    for path in sorted([*rooms[0], *rooms[1], here / "engine.py", here / "problems.py"]):
        if path.is_file():
            mixed.update(path.name.encode() + path.read_bytes())
    return mixed.digest()


class Store:
    """Key -> bytes, read once and written back by `save`."""

    def __init__(self, name: str) -> None:
        place = folder()
        self.path = None if place is None else place / name
        self.kept: dict[bytes, bytes] = {}
        self.used: set[bytes] = set()
        self.new = False
        if self.path is not None:
            self.kept = _read(self.path)

    def get(self, key: bytes) -> bytes | None:
        found = self.kept.get(key)
        if found is not None:
            self.used.add(key)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        if self.path is not None:
            self.kept[key] = value
            self.used.add(key)
            self.new = True

    def save(self) -> None:
        """Write what is new. A cache that cannot be written is none."""
        if self.path is None or not self.new:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            kept = {**_read(self.path), **self.kept}  # another process may have added to it
            if sum(map(len, kept.values())) > LARGEST:
                kept = {key: value for key, value in self.kept.items() if key in self.used}
            payload = marshal.dumps(kept)
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(payload).digest() + payload)
                os.replace(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError:
            return


def _read(path: Path) -> dict[bytes, bytes]:
    """What a store holds; nothing where it is damaged, or where somebody else may write to it."""
    try:
        owner = path.stat()
        data = path.read_bytes()
    except OSError:
        return {}
    if hasattr(os, "getuid") and (owner.st_uid != os.getuid() or owner.st_mode & 0o022):
        return {}
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return {}
    kept = marshal.loads(data[32:])
    return kept if isinstance(kept, dict) else {}
