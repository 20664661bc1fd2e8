"""Saved values, and the counters that tell whether they are still true."""

from tests.faults.fault import Fault

FAULTS = [
    Fault(
        "writes to saved operands go unnoticed",
        "saved.py",
        "if tensor._writes[0] != self._version:",
        "if False:",
        "inplace version",
    ),
    Fault(
        "writes to saved results go unnoticed",
        "saved.py",
        "if self._writes[0] != self._version:",
        "if False:",
        "inplace",
    ),
    Fault(
        "only writes after a second one are noticed",
        "saved.py",
        "if tensor._writes[0] != self._version:",
        "if tensor._writes[0] > self._version + 1:",
        "inplace version",
    ),
    Fault(
        "saved results have no history",
        "saved.py",
        "        if mode.recording:\n            tensor._node",
        "        if False:\n            tensor._node",
        "custom-function",
    ),
    Fault(
        "saved results are copies that nobody can spoil",
        "saved.py",
        "        self._array = tensor._array\n        self._writes = tensor._writes\n",
        "        self._array = tensor._array.copy()\n        self._writes = [tensor._writes[0]]\n",
        "inplace",
    ),
    Fault(
        "saved operands are copies that nobody can spoil",
        "saved.py",
        "        self._tensor = tensor\n        self._version = tensor._writes[0]\n",
        "        self._tensor = tensor.detach()\n        self._tensor._array, self._tensor._writes = tensor._array.copy(), [0]\n        self._tensor._node, self._tensor._output, self._tensor._flag = tensor._node, tensor._output, tensor._flag\n        self._version = 0\n",
        "inplace version",
    ),
    Fault(
        "a saved result has a counter of its own when it is read",
        "saved.py",
        "        tensor._writes = self._writes\n",
        "",
        "saved inplace version",
        survives="Only the message of an error tells the counter.",
    ),
    Fault(
        "writes are not counted",
        "versions.py",
        "        tensor._writes[0] += 1\n    elif",
        "        pass\n    elif",
        "version inplace",
    ),
    Fault(
        "a write counts twice",
        "versions.py",
        "        tensor._writes[0] += 1\n    elif",
        "        tensor._writes[0] += 2\n    elif",
        "version",
    ),
    Fault(
        "increment_version() does nothing",
        "versions.py",
        "else (tensors,):\n        tensor._writes[0] += 1",
        "else (tensors,):\n        pass",
        "inplace",
    ),
    Fault(
        "increment_version() takes one tensor only",
        "versions.py",
        "for tensor in tensors if isinstance(tensors, (list, tuple)) else (tensors,):",
        "for tensor in tensors[:1] if isinstance(tensors, (list, tuple)) else (tensors,):",
        "inplace",
    ),
    Fault(
        "views have a counter of their own", "views.py", "    result._writes = operand._writes\n", "", "version view"
    ),
]
