"""backward() sorts the graph by recursion: a chain of a thousand operations ends at Python's limit (micrograd 0.1.0)."""

from micrograd.engine import Value

x = Value(1.0)
y = x
for _ in range(2000):
    y = y + x
try:
    y.backward()
    print("the gradient:", x.grad)
except RecursionError as error:
    print(f"RecursionError: {error}; the gradient is 2001")
