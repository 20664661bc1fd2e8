"""Threads."""

from tests.faults.fault import Fault

FAULTS = [
    Fault("modes are those of the process", "modes.py", "class _Mode(threading.local):", "class _Mode:", "thread"),
    Fault(
        "the levels of transforms are those of the process",
        "levels.py",
        "class _OpenNow(threading.local):",
        "class _OpenNow:",
        "thread func-grad forward-mode",
        survives="No document speaks of threads and transforms.",
    ),
    Fault(
        "a thread begins in the mode of its parent",
        "threads.py",
        "    def call() -> None:\n        try:\n",
        "    from .modes import mode\n    inherited = dict(vars(mode))\n\n    def call() -> None:\n        vars(mode).update(inherited)\n        try:\n",
        "thread",
    ),
    Fault(
        "a reverse pass runs on a thread of its own",
        "autograd.py",
        '    roots = _listed(roots, "roots", "backward")\n    reverse_pass(\n',
        '    roots = _listed(roots, "roots", "backward")\n    from .threads import in_thread\n    _run = reverse_pass\n    (lambda *a, **k: in_thread(lambda: _run(*a, **k)))(\n',
        "threads",
    ),
]
