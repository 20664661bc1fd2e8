"""Inference mode."""

from tests.faults.fault import Fault

FAULTS = [
    Fault(
        "inference mode leaves the grad mode on",
        "inference.py",
        "mode.switch(not self.wanted, self.wanted)",
        "mode.switch(mode.enabled, self.wanted)",
        "inference",
    ),
    Fault(
        "inference mode is no_grad",
        "inference.py",
        "mode.switch(not self.wanted, self.wanted)",
        "mode.switch(not self.wanted, False)",
        "inference",
    ),
    Fault(
        "inference_mode(False) changes nothing",
        "inference.py",
        "mode.switch(not self.wanted, self.wanted)",
        "mode.switch(False, True)",
        "inference",
    ),
    Fault(
        "the decorator inference_mode(False) is inference_mode()",
        "inference.py",
        "return inference_mode(self.wanted)",
        "return inference_mode()",
        "inference",
    ),
    Fault(
        "no tensor is an inference tensor",
        "inference.py",
        "isinstance(tensor, Tensor) and tensor._writes is UNCOUNTED",
        "False",
        "inference",
    ),
    Fault(
        "a tensor that is used in inference mode counts as made there",
        "inference.py",
        "tensor._writes is UNCOUNTED",
        "(mode.inference or tensor._writes is UNCOUNTED)",
        "inference",
    ),
    Fault(
        "inference tensors may be saved",
        "saved.py",
        "        if tensor._writes is UNCOUNTED:\n",
        "        if tensor._writes is UNCOUNTED:\n            tensor = tensor.clone()\n        if False:\n",
        "inference",
    ),
    Fault(
        "inference tensors may be written anywhere",
        "versions.py",
        "elif not mode.inference:",
        "elif False:",
        "inference",
    ),
    Fault(
        "inference tensors may not be written even inside",
        "versions.py",
        "elif not mode.inference:",
        "else:",
        "inference",
    ),
    Fault(
        "inference tensors have a counter of writes",
        "versions.py",
        'raise AutogradError("inference-version", "Inference tensors do not track version counter.")',
        "return 0",
        "inference",
    ),
]
