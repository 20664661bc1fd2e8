"""Derivatives of TensorFlow that are other numbers than the mathematics, or an error where one exists."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def show(what: str, seen: object, due: object) -> None:
    print(f"{what}: {seen}, due is {due}")


def gradient(function: Callable[[Any], Any], x: Any, weight: Any = None) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x, output_gradients=weight)


def second(function: Callable[[Any], Any], x: Any, along: Any) -> Any:
    """The Hessian of the sum of the function times a vector."""
    return gradient(lambda x: tf.reduce_sum(gradient(function, x) * along), x)


zero = tf.constant(0.0)
show("celu at 0", gradient(tf.keras.activations.celu, zero).numpy(), 1)
show("bessel_i1 at 0", gradient(tf.math.bessel_i1, zero).numpy(), 0.5)
show(
    "bessel_j1 at 0, second order",
    gradient(lambda x: gradient(tf.math.special.bessel_j1, x), zero).numpy(),
    0,
)
show("x**0 at 0", gradient(lambda x: x**0, zero).numpy(), 0)
show("xlogy(x, 3) by x at 0", gradient(lambda x: tf.math.xlogy(x, 3.0), zero).numpy(), math.log(3))
show("xlog1py(x, 3) by x at 0", gradient(lambda x: tf.math.xlog1py(x, 3.0), zero).numpy(), math.log(4))

factors, along = tf.constant([2.0, 0.0, 3.0]), tf.constant([1.0, 0.0, 0.0])
# x0 + x0 x1 + x0 x1 x2 and x0 x1 x2
show("cumprod at a zero", gradient(tf.math.cumprod, factors).numpy(), [1, 8, 0])
show("cumprod at a zero, second order", second(tf.math.cumprod, factors, along).numpy(), [0, 4, 0])
show("prod at a zero, second order", second(tf.reduce_prod, factors, along).numpy(), [0, 3, 0])

z, i = tf.constant([1 + 2j, 0.5 + 1j]), tf.constant(1j, tf.complex128)
weight = tf.constant([0j, 1j])
product = gradient(lambda z: z[0] * z[1], z, i)
show("a product of complex numbers, which is right", product.numpy(), [1j * (0.5 - 1j), 1j * (1 - 2j)])
show("the last of their cumprod", gradient(tf.math.cumprod, z, weight).numpy(), product.numpy())
show(
    "det of their diagonal matrix", gradient(lambda z: tf.linalg.det(tf.linalg.diag(z)), z, i).numpy(), product.numpy()
)

for what, function, x in (
    ("det of a singular matrix", tf.linalg.det, tf.constant([[1.0, 2.0], [2.0, 4.0]])),
    ("transpose by (-1, 0)", lambda x: tf.transpose(x, (-1, 0)), tf.ones((2, 3))),
):
    try:
        show(what, gradient(function, x).numpy(), "the derivative of a polynomial")
    except tf.errors.InvalidArgumentError as error:
        show(what, error.message.partition("}} ")[2], "the derivative of a polynomial")

broad = gradient(lambda x: x * x, tf.constant([1.0, 2.0, 3.0]), tf.constant([1.0]))
show("a cotangent of shape (1,) for a result of shape (3,)", broad.numpy(), "an error")
