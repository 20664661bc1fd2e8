// TensorFlow.js 4.22.0 raises where a gradient exists. Run with node in a folder where @tensorflow/tfjs is installed.
const tf = require("@tensorflow/tfjs");
tf.setBackend("cpu");
function show(what, run) {
  try {
    console.log(`${what}: ${JSON.stringify(run().arraySync())}`);
  } catch (error) {
    console.log(`${what}: ${error.constructor.name}: ${error.message.slice(0, 150)}`);
  }
}
const row = tf.tensor([1, 2, 3]), matrix = tf.tensor([[1, 2, 3], [4, 5, 6]]);

// 1. The rules of maximum and minimum do not sum over what was broadcast.
show("the gradient of max(row, matrix) by the row", () => tf.grad((row) => tf.maximum(row, matrix))(row));
show("the gradient of min(row, matrix) by the row", () => tf.grad((row) => tf.minimum(row, matrix))(row));

// 2. Gradients of operations without elements cannot be reshaped.
const empty = tf.tensor([], [2, 0]), column = tf.tensor([[1]]);
for (const name of ["mul", "div", "pow", "atan2", "mod"])
  show(`the gradient of ${name} of shapes [2, 0] and [1, 1] by the second`, () => tf.grad((b) => tf[name](empty, b))(column));

// 3. A sum along rows of an array without elements; the gradient of a running sum along another axis than the last.
show("cumsum of shape [0, 2, 3]", () => tf.cumsum(tf.tensor([], [0, 2, 3]), 1));
show("the gradient of cumsum along the first of two axes", () => tf.grad((m) => tf.cumsum(m, 0))(matrix));

// 4. The gradient of logSigmoid.
show("the gradient of logSigmoid of an operand that is broadcast", () =>
  tf.grad((x) => tf.logSigmoid(tf.broadcastTo(x, [2, 3])))(tf.tensor([[1, 2, 3]])));

// 5. A product along an axis that is counted from the last.
show("the gradient of prod along axis -2", () => tf.grad((x) => tf.prod(x, -2))(tf.tensor([[[1, 2], [3, 4]]])));

// 6. Stacks of matrices that are broadcast against each other.
show("matMul of shapes [2, 1, 3, 2] and [3, 2, 3]", () => tf.matMul(tf.ones([2, 1, 3, 2]), tf.ones([3, 2, 3])));
