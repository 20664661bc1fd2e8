"""Ends of the process: SIGFPE and an error for arrays without elements, SIGSEGV for log_softmax of single numbers."""

import subprocess
import sys

PROGRAMS = (
    "mx.eval(mx.vjp(lambda x: x[-1], [mx.zeros((2, 0))], [mx.zeros((0,))])[1])",
    "mx.eval(mx.vjp(lambda x: mx.take(x, mx.array([1]), axis=0), [mx.zeros((2, 0))], [mx.zeros((1, 0))])[1])",
    "mx.eval(mx.vjp(mx.trace, [mx.zeros((2, 0))], [mx.array(1.0)])[1])",
    "mx.eval(nn.log_softmax(mx.zeros((3, 1)), 1))",
)
for program in PROGRAMS:
    source = f"import mlx.core as mx; from mlx import nn; mx.set_default_device(mx.cpu); {program}"
    print(program, "-> exit code", subprocess.run([sys.executable, "-c", source]).returncode)
