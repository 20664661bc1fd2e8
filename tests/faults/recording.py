"""Recording operations."""

from tests.faults.fault import Fault

FAULTS = [
    Fault("everything is recorded in any mode", "record.py", "if not mode.recording:", "if False:", "mode"),
    Fault(
        "results in inference mode are ordinary tensors",
        "record.py",
        "        if mode.inference:\n",
        "        if False:\n",
        "inference",
    ),
    Fault("untracked operands are tracked", "record.py", "(x._flag or x.requires_grad)", "True", "leaf"),
    Fault(
        "operands that a view's base makes tracked are not",
        "record.py",
        "(x._flag or x.requires_grad)",
        "x._flag",
        "view",
    ),
    Fault(
        "integer results are tracked",
        "record.py",
        "if tracked and result._array.dtype.kind in DIFFERENTIABLE:",
        "if tracked:",
        "flag",
    ),
    Fault("every result has a creator", "record.py", "if tracked and result._array", "if result._array", "leaf flag"),
    Fault(
        "operands of rules that are not needed are saved",
        "record.py",
        "operation.plan(tracked)",
        "operation.plan((1 << len(operands)) - 1)",
        "saved",
    ),
    Fault(
        "saved operands have no history",
        "record.py",
        "Saved(operand) if isinstance",
        "Saved(operand.detach()) if isinstance",
        "higher",
    ),
    Fault(
        "operations do not ask saved-tensor hooks",
        "record.py",
        "if mode.packing is not None:",
        "if False:",
        "saved-hooks savedhook",
    ),
    Fault(
        "rules run whose gradients nobody wants",
        "record.py",
        "if edge is None or (wanted is not None and edge[0] not in wanted):",
        "if edge is None:",
        "grad-fn graph",
        survives="What they give does not flow on; it costs time only.",
    ),
    Fault(
        "the incoming gradient is not conjugated",
        "record.py",
        "        if conjugated:\n            gradient = gradient.conj()\n",
        "",
        "complex",
    ),
    Fault(
        "the outgoing gradient is not conjugated",
        "record.py",
        "partial.conj() if conjugated else partial",
        "partial",
        "complex",
    ),
    Fault(
        "names of nodes do not count overloads",
        "record.py",
        'f"Backward{self.operation.overload}"',
        '"Backward"',
        "nodes repr",
    ),
    Fault(
        "a result that is saved is not found in the memory it was moved to",
        "record.py",
        'if self.saved is not None and isinstance(self.saved.get("y"), SavedResult):',
        "if False:",
        "inplace",
    ),
    Fault(
        "all computed tensors retain their gradients",
        "record.py",
        "        result._flag = True\n",
        "        result._flag = True\n        result.retain_grad()\n",
        "grad",
    ),
]
