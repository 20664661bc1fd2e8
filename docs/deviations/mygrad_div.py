"""The derivative of x / y by y divides by y * y, which overflows where the derivative itself does not (MyGrad 2.5)."""

import mygrad

x, y = mygrad.tensor(1e200), mygrad.tensor(1e200)
(x / y).backward()
print("by y:", y.grad, "and not -1e-200")
