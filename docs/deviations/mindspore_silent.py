"""Values and derivatives of MindSpore on the CPU that are other numbers than the mathematics, without an error."""

import math

import mindspore as ms
from mindspore import ops

nan = math.nan


def show(what: str, seen: object, due: object) -> None:
    print(f"{what}: {seen}, due is {due}")


x = ms.Tensor([-2.0, -1.0])
scale, alpha = 1.0507009873554805, 1.6732632423543772
show("gradient of selu", ms.grad(ops.selu)(x), [scale * alpha * math.exp(x) for x in (-2, -1)])

zero = ms.Tensor([0.0])
show("gradient of bessel_i1 at 0", ms.grad(ops.bessel_i1)(zero), 0.5)
show("gradient of x**0 at 0", ms.grad(lambda x: x**0)(zero), 0)

# x0 + x0 x1 + x0 x1 x2
show("gradient of cumprod at a zero", ms.grad(lambda x: ops.cumprod(x, 0))(ms.Tensor([2.0, 0.0, 3.0])), [1, 8, 0])
singular = ms.Tensor([[1.0, 2.0], [2.0, 4.0]])
show("gradient of det of a singular matrix", ms.grad(ops.det)(singular).tolist(), [[4, -2], [-2, 1]])

show("gradient of t * x at x, where x is captured", ms.grad(lambda t: (t * x).sum())(x), x.tolist())

one, two = ms.Tensor([[1.0]]), ms.Tensor([[2.0]])
show("addmm(nan, 1, 2, beta=0)", ops.addmm(ms.Tensor([[nan]]), one, two, beta=0), 2)
batch = (ms.Tensor([[[nan]]]), ms.Tensor([[[1.0]]]), ms.Tensor([[[2.0]]]))
show("baddbmm(nan, 1, 2, beta=0)", ops.baddbmm(*batch, beta=0), 2)

big = ms.Tensor([3e200], ms.float64)
show("gradient of hypot(x, x) at 3e200", ms.grad(lambda x: ops.hypot(x, x))(big), math.sqrt(2))
show("logsigmoid(-1000)", ops.logsigmoid(ms.Tensor([-1000.0], ms.float64)), -1000)
show("mish(1000)", ops.mish(ms.Tensor([1000.0], ms.float64)), 1000)

show("logsigmoid(40)", ops.logsigmoid(ms.Tensor([40.0], ms.float64)), -math.log1p(math.exp(-40)))
show("erfinv(1 - 1e-12)", ops.erfinv(ms.Tensor([1 - 1e-12], ms.float64)), 5.0420297)
show("expm1(1e-20)", ops.expm1(ms.Tensor([1e-20], ms.float64)), 1e-20)
show("log1p(1e-20)", ops.log1p(ms.Tensor([1e-20], ms.float64)), 1e-20)
show("mish(-40)", ops.mish(ms.Tensor([-40.0], ms.float64)), -40 * math.tanh(math.log1p(math.exp(-40))))

A = ms.Tensor([[2.0, 0.0], [0.0, 4.0]], ms.float64)
gradient = ms.grad(lambda B: ops.matrix_solve(A, B))(ms.Tensor([[1.0], [1.0]], ms.float64))
show("dtype of the gradient of matrix_solve in float64", gradient.dtype, "Float64")
show("dtype of exp2 in bfloat16", ops.exp2(ms.Tensor([1.0], ms.bfloat16)).dtype, "BFloat16")

empty, seen = ops.zeros((3, 0)), set()
for number in range(1, 50):
    ops.sum(ops.full((number,), 1.5))  # leaves something in memory
    seen.add(ops.sum(empty).item())
show("sums of a tensor without elements, as kernels are not run for it", sorted(seen)[-3:], [0])
