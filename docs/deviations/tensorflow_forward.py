"""Forward mode: tf.autodiff.ForwardAccumulator, one, two around each other, and one within a GradientTape.

What two accumulators say depends on what was traced before: where tf.identity(x) is multiplied first, the cubes are right."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf


def along(function, tangent):
    """The derivative of `function` along `tangent`, as a function."""

    def derivative(x):
        with tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
            y = function(x)
        return accumulator.jvp(y)

    return derivative


def second_by_tape(function, x):
    """The gradient of the derivative along ones."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(along(function, tf.ones_like(x))(x))
    return tape.gradient(y, x)


def difference(function, x, step=1e-5):
    tangent = tf.ones_like(x)
    return (function(x + step * tangent) - function(x - step * tangent)) / (2 * step)


def cube(x):
    y = tf.sin(x)
    return (y * y) * y


def same_cube(x):
    return (tf.sin(x) * tf.sin(x)) * tf.sin(x)


x = tf.constant(0.7, tf.float64)
print("two accumulators:")
for name, function in {"y = sin(x)": cube, "sin(x) each time": same_cube, "y = sin(x) again": cube}.items():
    first = along(function, tf.ones_like(x))
    seen = along(first, tf.ones_like(x))(x)
    print(f"  (y * y) * y, {name}: {seen.numpy():.8f}, due is {difference(first, x).numpy():.8f}")
matrix = tf.constant([[0.7, 1.0], [-1.0, 0.7]], tf.float64)
first = along(lambda a: tf.reduce_sum(tf.linalg.expm(a)), tf.ones_like(matrix))
print(
    f"  expm: {along(first, tf.ones_like(matrix))(matrix).numpy():.8g}, due is {difference(first, matrix).numpy():.8g}"
)

print("an accumulator within a tape:")
x = tf.constant([0.3, -0.2, 0.9], tf.float64)
weights = tf.constant([1.0, 2.0, 3.0], tf.float64)


def scan(x):
    return tf.reduce_sum(weights * tf.math.cumulative_logsumexp(x))


with tf.GradientTape() as outer:
    outer.watch(x)
    with tf.GradientTape() as inner:
        inner.watch(x)
        y = scan(x)
    slope = tf.reduce_sum(inner.gradient(y, x))
print(
    f"  cumulative_logsumexp: {second_by_tape(scan, x).numpy()}, due is {outer.gradient(slope, x).numpy()}, as of two tapes"
)
x = tf.constant([2.0, 0.0, 5.0, 3.0], tf.float64)
print(f"  prod of 2, 0, 5 and 3: {second_by_tape(tf.reduce_prod, x).numpy()}, due is {[15.0, 31.0, 6.0, 10.0]}")

print("one accumulator:")
x = tf.constant([[1.0 + 1.0j, 0.0], [0.0, 2.0]], tf.complex128)
turn = tf.constant([[1.0j, 0.0], [0.0, 0.0]], tf.complex128)
with tf.autodiff.ForwardAccumulator(x, turn) as accumulator:
    sign, _ = tf.linalg.slogdet(x)
seen = accumulator.jvp(sign, unconnected_gradients=tf.UnconnectedGradients.ZERO)
step = 1e-6
due = (tf.linalg.slogdet(x + step * turn)[0] - tf.linalg.slogdet(x - step * turn)[0]) / (2 * step)
print(f"  sign of slogdet: {seen.numpy()}, due is {due.numpy():.6f}")
