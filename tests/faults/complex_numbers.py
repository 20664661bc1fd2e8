"""Complex numbers."""

from tests.faults.fault import Fault

FAULTS = [
    Fault(
        "gradients of complex results are those of real ones",
        "record.py",
        'conjugated = gradient.dtype.kind == "c"  #',
        "conjugated = False  #",
        "complex",
    ),
    Fault(
        "view_as_real() takes real tensors",
        "complex_numbers.py",
        '    if input.dtype.kind != "c":\n        raise AutogradError("invalid-argument", "view_as_real',
        '    if False:\n        raise AutogradError("invalid-argument", "view_as_real',
        "complex",
    ),
    Fault(
        "view_as_complex() takes any tensor",
        "complex_numbers.py",
        'if input.dtype.kind != "f" or input.dim() == 0 or input.shape[-1] != 2:',
        "if False:",
        "complex",
    ),
    Fault(
        "imag() of a real tensor is allowed",
        "complex_numbers.py",
        '    if input.dtype.kind != "c":\n        raise AutogradError("invalid-argument", "imag',
        '    if input.dtype.kind != "c":\n        return input.zeros()\n        raise AutogradError("invalid-argument", "imag',
        "complex",
    ),
    Fault(
        "real() of a real tensor is another tensor",
        "complex_numbers.py",
        'if input.dtype.kind == "c" else input',
        'if input.dtype.kind == "c" else input.clone()',
        "complex",
        survives="No document speaks of the identity of the real part of a real tensor.",
    ),
    Fault("imag() is real()", "complex_numbers.py", "index=(..., 1)", "index=(..., 0)", "complex"),
    Fault(
        "real() copies",
        "complex_numbers.py",
        "view_of(SELECT, view_as_real(input), index=(..., 0)) if",
        "view_of(SELECT, view_as_real(input.clone()), index=(..., 0)) if",
        "complex",
    ),
    Fault(
        "view_as_real() copies",
        "complex_numbers.py",
        "return a[..., None].view(a.real.dtype)",
        "return a[..., None].copy().view(a.real.dtype)",
        "complex",
    ),
    Fault(
        "view_as_complex() copies",
        "complex_numbers.py",
        "return view_of(VIEW_AS_COMPLEX, input)",
        "return view_of(VIEW_AS_COMPLEX, input.clone())",
        "complex",
    ),
]
