"""The derivative of z / |z|, which JAX takes to be 0 as if it were a step: its size is 1 / |z| across the radius."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
z, t, step = jnp.asarray(3.0 + 4.0j), jnp.asarray(1.0j), 1e-6
print("jvp:", jax.jvp(jnp.sign, (z,), (t,))[1])
print("vjp:", jax.vjp(jnp.sign, z)[1](jnp.asarray(1.0 + 0.0j))[0])
print("difference quotient of the value:", (jnp.sign(z + step * t) - jnp.sign(z - step * t)) / (2 * step))
