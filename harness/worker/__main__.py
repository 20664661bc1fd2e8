"""``python harness/worker``: a worker for any interpreter. Needs no installed harness: it finds its own package by path."""

from __future__ import annotations

import importlib.util
import os
import sys

# The interpreter may be one that has never heard of the harness, and nothing of ours may come in the way of its packages:
# the folder of this file leaves the path, and the package is loaded from where it is.
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _HERE]
if __name__ == "__main__":
    _PACKAGE = os.path.dirname(_HERE)
    _FOUND = importlib.util.spec_from_file_location(
        "harness", os.path.join(_PACKAGE, "__init__.py"), submodule_search_locations=[_PACKAGE]
    )
    assert _FOUND is not None and _FOUND.loader is not None
    _MODULE = importlib.util.module_from_spec(_FOUND)
    sys.modules["harness"] = _MODULE
    _FOUND.loader.exec_module(_MODULE)

    from harness.worker.serve import main

    main()
