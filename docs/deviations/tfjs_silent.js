// TensorFlow.js 4.22.0 returns wrong numbers without a word. Run with node in a folder where @tensorflow/tfjs is installed.
const tf = require("@tensorflow/tfjs");
tf.setBackend("cpu");
const show = (what, seen, due) => console.log(`${what}: ${JSON.stringify(seen)}, and mathematics says ${JSON.stringify(due)}`);

// 1. The second derivative of exp, tanh, sigmoid and of an exponent is lost where it stands beside another term (tensorflow/tfjs#3252).
const x = tf.scalar(0.5);
const second = (f) => tf.grad(tf.grad(f))(x).arraySync();
show("(exp(x) + x * x)'' at 0.5", second((x) => tf.add(tf.exp(x), tf.mul(x, x))), Math.exp(0.5) + 2);
const t = Math.tanh(0.5), s = 1 / (1 + Math.exp(-0.5));
show("(tanh(x) + x * x)'' at 0.5", second((x) => tf.add(tf.tanh(x), tf.mul(x, x))), -2 * t * (1 - t * t) + 2);
show("(sigmoid(x) + x * x)'' at 0.5", second((x) => tf.add(tf.sigmoid(x), tf.mul(x, x))), s * (1 - s) * (1 - 2 * s) + 2);
show("(2 ** x + x * x)'' at 0.5", second((x) => tf.add(tf.pow(tf.scalar(2), x), tf.mul(x, x))), Math.SQRT2 * Math.LN2 ** 2 + 2);

// 2. The running sum of one number is 0.
show("cumsum of 3", tf.cumsum(tf.scalar(3)).arraySync(), 3);
show("cumprod of 3", tf.cumprod(tf.scalar(3)).arraySync(), 3);

// 3. No number is broadcast to one number.
show("a column of 3 broadcast to shape [3, 0] has the shape", tf.broadcastTo(tf.ones([3, 1]), [3, 0]).shape, [3, 0]);

// 4. log(exp(-inf) + exp(-inf)).
show("logSumExp of [-inf, -inf]", String(tf.logSumExp(tf.tensor([-Infinity, -Infinity])).arraySync()), "-Infinity");

// 5. The mean of no numbers is no number.
show("mean of no numbers", String(tf.mean(tf.tensor([], [0])).arraySync()), "NaN");

// 6. x ** 0 is 1 everywhere, so its slope at 0 is 0.
show("(x ** 0)' at 0", String(tf.grad((x) => tf.pow(x, tf.scalar(0)))(tf.scalar(0)).arraySync()), 0);
