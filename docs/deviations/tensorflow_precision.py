"""Relative errors of TensorFlow in float64 that are larger than those of its numbers."""

import math

import tensorflow as tf

x = tf.constant(-1.0, tf.float64)
print("leaky_relu(-1, 0.1)", tf.nn.leaky_relu(x, 0.1).numpy() / -0.1 - 1)
print("gelu(-1)", tf.nn.gelu(x).numpy() / (-0.5 * math.erfc(math.sqrt(0.5))) - 1)
near = tf.constant(0.999999999999, tf.float64)
print("erfinv(0.999999999999)", tf.math.erfinv(near).numpy() / 5.042031898572696 - 1)
print("sqrt(1e-310)", tf.sqrt(tf.constant(1e-310, tf.float64)).numpy(), "due is", math.sqrt(1e-310))
