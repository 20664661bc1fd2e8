"""TensorFlow: functions under a tf.GradientTape, on the CPU; `operations` says which of its functions a word means.

A tape answers None for what its targets do not depend on, and zeros where it is asked to, as it is here. Forward mode is
tf.autodiff.ForwardAccumulator, which traces the rule of every operation that it meets for the first time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from harness.engine import Array, Attribute, EngineUnusable, Observed, Opaque, Unsupported
from harness.engine import Engine as Base

from .operations import METHODS, OPERATIONS

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int32", "int64")
LACKING = re.compile(
    "No gradient defined for operation|has no gradient defined|gradient not implemented|was expected to be a|ndims must be"
    "|Only integers, slices|Cannot convert .* to EagerTensor of dtype|Could not find device for node|not supported"
    "|No registered .* OpKernel|must be at least rank|not implemented|Invalid reduction dimension|Expected scan axis"
    "|not in the list of allowed values|Expected dimension .* at axis|broadcasting dimension|Shapes of all inputs must match"
    "|must be at least 1 dimensional|must be in the range \\[0, 0\\)|has different ndims|Expected multiples argument"
    "|must have `float`-like"
)
"""What TensorFlow says of what it does not have."""
ZERO = tf.UnconnectedGradients.ZERO


def own(values: Sequence[Any]) -> tuple[Any, ...]:
    """What a function captures is a constant, were it the very tensor at which it is differentiated."""
    if not all(tf.is_tensor(value) for value in values):
        raise Unsupported("tensors are watched, and nothing else")
    return tuple(map(tf.identity, values))


def dense(gradients: Any) -> Any:
    """Gradients of what was gathered are tf.IndexedSlices, which are tensors as soon as they are used as such."""
    return tf.nest.map_structure(tf.convert_to_tensor, gradients)


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    inputs = own(primals)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        outputs = function(*inputs)

    def pull(cotangents: Any) -> Any:
        return dense(tape.gradient(outputs, inputs, output_gradients=cotangents, unconnected_gradients=ZERO))

    return outputs, pull


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    inputs = own(primals)
    with tf.autodiff.ForwardAccumulator(inputs, tuple(tangents)) as accumulator:
        outputs = function(*inputs)
    return outputs, accumulator.jvp(outputs, unconnected_gradients=ZERO)


def watched(
    derivative: str, function: Callable[..., Any], argnums: Any, args: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[Any, Any]:
    """What ``derivative`` of a tape says of ``function`` by its arguments ``argnums``, and its value."""
    inputs = tf.nest.map_structure(tf.identity, args)
    sources = tuple(inputs[n] for n in argnums) if isinstance(argnums, tuple) else inputs[argnums]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        value = function(*inputs, **keywords)
    return dense(getattr(tape, derivative)(value, sources, unconnected_gradients=ZERO)), value


def grad(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    return lambda *args, **keywords: watched("gradient", function, argnums, args, keywords)[0]


def grad_and_value(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    return lambda *args, **keywords: watched("gradient", function, argnums, args, keywords)


def jacrev(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    return lambda *args, **keywords: watched("jacobian", function, argnums, args, keywords)[0]


def vmap(function: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0) -> Callable[..., Any]:
    if in_dims != 0 or out_dims != 0:
        raise Unsupported("tf.vectorized_map maps over the first dimension")
    return lambda *args: tf.vectorized_map(lambda entries: function(*entries), args)


class Engine(Base):
    names: Mapping[str, Any] = {
        **{dtype: getattr(tf, dtype) for dtype in DTYPES},
        **OPERATIONS,
        "func.vjp": vjp,
        "func.jvp": jvp,
        "func.grad": grad,
        "func.grad_and_value": grad_and_value,
        "func.jacrev": jacrev,
        "vmap": vmap,
    }
    attributes: Mapping[str, Attribute] = METHODS

    lacking = LACKING

    def __init__(self, device: str | None = None) -> None:
        super().__init__(device)
        if not hasattr(tf, "GradientTape"):
            raise EngineUnusable("the package tensorflow that is installed is not Google's: pip install tensorflow-cpu")
        tf.config.set_visible_devices([], "GPU")

    @property
    def version(self) -> str:
        return str(tf.version.VERSION)

    def lacks(self, error: BaseException) -> bool:
        return isinstance(error, (LookupError, tf.errors.UnimplementedError)) or super().lacks(error)

    def exhausted(self, error: BaseException) -> bool:
        return isinstance(error, tf.errors.ResourceExhaustedError) or super().exhausted(error)

    def read(self, value: Any) -> Observed:
        if isinstance(value, tf.IndexedSlices):
            value = tf.convert_to_tensor(value)
        if tf.is_tensor(value):
            return Array(value.dtype.name, tuple(value.shape), value.numpy().tolist())
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return value.name if isinstance(value, tf.DType) else Opaque(type(value).__qualname__)
