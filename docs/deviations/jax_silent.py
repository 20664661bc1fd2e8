"""Derivatives of JAX that are other numbers than the mathematics, without an error."""

import jax
import jax.numpy as jnp
from jax.scipy import special

jax.config.update("jax_enable_x64", True)


def show(what: str, seen: object, due: object) -> None:
    print(f"{what}: {seen}, due is {due}")


z, along, step = jnp.asarray(3.0 + 4.0j), jnp.asarray(1.0j), 1e-6
change = (jnp.sign(z + step * along) - jnp.sign(z - step * along)) / (2 * step)
show("sign of 3 + 4i along i, forward mode", jax.jvp(jnp.sign, (z,), (along,))[1], change)
show("sign of 3 + 4i along i, reverse mode", jnp.real(jax.vjp(jnp.sign, z)[1](1 + 0j)[0] * along), jnp.real(change))
show("i0 at 0, an even function", jax.grad(special.i0)(0.0), 0.0)
show("hypot(3e200, y) at y = 4e200", jax.grad(lambda y: jnp.hypot(3e200, y))(4e200), 0.8)
show("1e200 / y at y = 1e200", jax.grad(lambda y: 1e200 / y)(1e200), -1e-200)
