"""Anomaly mode."""

from tests.faults.fault import Fault

FAULTS = [
    Fault(
        "operations are not remembered", "anomaly.py", "        _remember(result._node)\n", "        pass\n", "anomaly"
    ),
    Fault(
        "calls of custom functions are not remembered",
        "anomaly.py",
        "        _remember(context)\n",
        "        pass\n",
        "anomaly",
    ),
    Fault(
        "writes are not remembered", "anomaly.py", "return lambda: _remember(target.grad_fn)", "return None", "anomaly"
    ),
    Fault(
        "the last place counts",
        "anomaly.py",
        "if node is not None and node not in _places:",
        "if node is not None:",
        "anomaly",
        survives="A node is recorded once.",
    ),
    Fault("check_nan cannot be asked", "anomaly.py", "    return _checks_nan\n", "    return True\n", "anomaly"),
    Fault(
        "the mode cannot be switched off",
        "anomaly.py",
        "    graph.watch = _watched if mode else None\n",
        "    graph.watch = _watched\n",
        "anomaly",
    ),
    Fault("nothing is looked at", "anomaly.py", "    graph.watch = _watched if mode else None\n", "", "anomaly"),
    Fault(
        "check_nan is ignored",
        "anomaly.py",
        "if _checks_nan and gradient is not None and",
        "if gradient is not None and",
        "anomaly",
    ),
    Fault(
        "infinities count as NaN",
        "anomaly.py",
        "np.isnan(gradient._array).any()",
        "(~np.isfinite(gradient._array)).any()",
        "anomaly",
    ),
    Fault("NaN is no error", "anomaly.py", "bool(np.isnan(gradient._array).any())", "False", "anomaly"),
    Fault(
        "an error does not name the node",
        "anomaly.py",
        "f\"Function '{node.name()}' returned nan",
        'f"Function returned nan',
        "anomaly",
    ),
    Fault(
        "only NaN gets a traceback", "anomaly.py", "    except Exception:\n", "    except AutogradError:\n", "anomaly"
    ),
    Fault(
        "errors get no warning",
        "anomaly.py",
        "        place = _places.get(node)\n",
        "        raise\n        place = _places.get(node)\n",
        "anomaly",
    ),
    Fault(
        "the place of a node is not told",
        "anomaly.py",
        "        place = _places.get(node)\n",
        "        place = None\n",
        "anomaly",
    ),
    Fault(
        "set_detect_anomaly() waits for its block",
        "anomaly.py",
        "        switch(mode, check_nan)\n\n    def __enter__(self) -> None:\n        pass\n",
        "        self.wanted = mode, check_nan\n\n    def __enter__(self) -> None:\n        switch(*self.wanted)\n",
        "anomaly",
    ),
    Fault(
        "set_detect_anomaly() does not restore",
        "anomaly.py",
        "        self.previous = (is_anomaly_enabled(), _checks_nan)\n        switch(mode",
        "        self.previous = (mode, check_nan)\n        switch(mode",
        "anomaly",
    ),
    Fault(
        "detect_anomaly() does not say that it is slow",
        "anomaly.py",
        '        warn(\n            "anomaly-enabled"',
        '        0 and warn(\n            "anomaly-enabled"',
        "anomaly",
    ),
    Fault(
        "detect_anomaly() does not restore",
        "anomaly.py",
        "        self.previous = (is_anomaly_enabled(), _checks_nan)\n        switch(True",
        "        self.previous = (True, True)\n        switch(True",
        "checkpoint",
    ),
    Fault(
        "detect_anomaly() ignores check_nan", "anomaly.py", "switch(True, self.check_nan)", "switch(True)", "anomaly"
    ),
]
