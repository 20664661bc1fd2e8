"""where() of a condition that is a tensor calls itself without end, although any array-like is documented (MyGrad 2.5)."""

import mygrad
import numpy

x = mygrad.tensor([1.0, 2.0])
print("of an array:", mygrad.where(numpy.array([True, False]), x, 3 * x))
try:
    print("of a tensor:", mygrad.where(mygrad.tensor([True, False]), x, 3 * x))
except RecursionError as error:
    print("of a tensor: RecursionError:", error)
