"""float32 times a Python number is float64, where NumPy 2 keeps float32: the number is made an array first (MyGrad 2.5)."""

import mygrad
import numpy

print("NumPy:", (numpy.ones(2, dtype="float32") * 2.0).dtype)
print("MyGrad:", (mygrad.ones(2, dtype="float32") * 2.0).dtype)
