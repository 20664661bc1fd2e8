"""Gradients of some operands or results alone that end the process by a segmentation fault."""

import subprocess
import sys

START = """
import paddle
def tensor(numbers, tracked):
    return paddle.to_tensor(numbers, dtype="float64", stop_gradient=not tracked)
A, b = [[2.0, 1.0], [1.0, 3.0]], [[1.0], [2.0]]
"""
for what in (
    "paddle.linalg.solve(tensor(A, True), tensor(b, False))",
    "paddle.linalg.solve(tensor(A, False), tensor(b, True))",
    "paddle.linalg.cholesky_solve(tensor(b, True), tensor(A, False))",
    "paddle.linalg.cholesky_solve(tensor(b, False), tensor(A, True))",
    "paddle.cross(tensor([1.0, 2.0, 3.0], True), tensor([0.0, 1.0, 0.0], False))",
    "paddle.cross(tensor([1.0, 2.0, 3.0], False), tensor([0.0, 1.0, 0.0], True))",
    "paddle.nn.functional.prelu(tensor([-1.0, 2.0], False), tensor([0.25], True))",
    "paddle.compat.slogdet(tensor(A, True))[0]",
    "paddle.compat.slogdet(tensor(A, True).astype('complex128'))[0].real()",
    "paddle.compat.slogdet(tensor(A, True).astype('complex128'))[1]",
):
    done = subprocess.run([sys.executable, "-c", f"{START}{what}.sum().backward()"], capture_output=True, check=False)
    print(what, "ended by", done.returncode)
