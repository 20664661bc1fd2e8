// Which word of the language is which function of TensorFlow.js, as its users call it.
"use strict";

const tf = require("@tensorflow/tfjs");
const { Keywords } = require("./program.js");
const { Dtype, Unsupported } = require("./values.js");

tf.setBackend("cpu");

const isTensor = (value) => value instanceof tf.Tensor;
const number = (value) => (typeof value === "bigint" ? Number(value) : value);
const numbers = (value) => (Array.isArray(value) ? value.map(numbers) : number(value));
const axes = (dim) => (dim === undefined || dim === null ? undefined : numbers(dim));
const last = (x, dim) => {
  const axis = ((number(dim) % x.rank) + x.rank) % x.rank;
  if (axis !== x.rank - 1) throw new Unsupported("another dimension than the last");
  return axis;
};

// A function with Python's parameters: "x dim= keepdim=" takes keywords, and refuses those that it does not know.
function word(signature, call) {
  const parameters = signature.split(" ").map((name) => name.replace("=", ""));
  return (...given) => {
    const keywords = given.at(-1) instanceof Keywords ? given.pop() : {};
    if (given.length > parameters.length) throw new TypeError(`takes ${parameters.length} arguments`);
    for (const [name, value] of Object.entries(keywords)) {
      if (!parameters.includes(name)) throw new Unsupported(`the keyword ${name}`);
      given[parameters.indexOf(name)] = value;
    }
    return call(...given);
  };
}

function tensor(data, dtype) {
  if (isTensor(data)) return dtype ? tf.cast(data, dtype.name) : tf.clone(data);
  const first = [data].flat(Infinity)[0];
  if (typeof first === "string" || first === null) throw new TypeError(`a tensor is made of numbers, not of ${first}`);
  const kind = dtype?.name ?? { bigint: "int32", boolean: "bool" }[typeof first] ?? "float32";
  const shape = [];
  for (let inner = data; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  return tf.tensor([numbers(data)].flat(Infinity), shape, kind);
}

// tf.grads takes the cotangent beside the operands, and computes the function anew.
function vjp(f, ...primals) {
  const value = f(...primals);
  if (Array.isArray(value)) throw new Unsupported("functions of several values");
  return [value, (cotangent) => tf.grads(f)(primals, cotangent)];
}

const like = (value, other) => (isTensor(value) ? value : tf.scalar(number(value), other.dtype === "int32" && typeof value === "number" ? "float32" : other.dtype === "bool" ? undefined : other.dtype));
const both = (call) => (a, b) => call(isTensor(a) ? a : like(a, b), isTensor(b) ? b : like(b, a));
const SIGNS = {
  "+": tf.add, "-": tf.sub, "*": tf.mul, "/": tf.div, "**": tf.pow, "//": tf.floorDiv, "%": tf.mod, "@": matmul,
};
const COMPARED = {
  "==": tf.equal, "!=": tf.notEqual, "<": tf.less, "<=": tf.lessEqual, ">": tf.greater, ">=": tf.greaterEqual,
};
function matmul(a, b) {
  if (a.rank > 1 && b.rank > 1) return tf.matMul(a, b);
  if (a.rank > 2 || b.rank > 2) throw new Unsupported("products of vectors and stacks of matrices");
  return tf.dot(a, b);
}

// Where the engine has the one value of an option and no parameter for it.
function only(x, given, value, name) {
  if (number(given) !== value) throw new Unsupported(`${name} other than ${value}`);
  return x;
}
function counted(dims) {
  if (numbers(dims).some((dim) => dim < 0)) throw new Unsupported("dimensions counted from the last");
  return numbers(dims);
}
function broadcast(x, sizes) {
  const shape = numbers(sizes.flat());
  return tf.broadcastTo(x, shape.map((size, i) => (size === -1 ? x.shape[i - shape.length + x.rank] : size)));
}
function tile(x, times) {
  if (times.flat().length > x.rank) throw new Unsupported("more repetitions than dimensions");
  return tf.tile(x, numbers(times.flat()));
}

const unary = {
  exp: tf.exp, expm1: tf.expm1, log: tf.log, log1p: tf.log1p, sqrt: tf.sqrt, rsqrt: tf.rsqrt, square: tf.square,
  sin: tf.sin, cos: tf.cos, tan: tf.tan, asin: tf.asin, acos: tf.acos, atan: tf.atan, sinh: tf.sinh, cosh: tf.cosh, tanh: tf.tanh,
  asinh: tf.asinh, acosh: tf.acosh, atanh: tf.atanh, abs: tf.abs, neg: tf.neg, reciprocal: tf.reciprocal, sigmoid: tf.sigmoid,
  relu: tf.relu, relu6: tf.relu6, selu: tf.selu, erf: tf.erf, logsigmoid: tf.logSigmoid, sign: tf.sign, floor: tf.floor, ceil: tf.ceil,
  round: tf.round, isnan: tf.isNaN, isfinite: tf.isFinite, clone: tf.clone,
};
const binary = {
  add: tf.add, sub: tf.sub, mul: tf.mul, div: tf.div, pow: tf.pow, maximum: tf.maximum, minimum: tf.minimum, atan2: tf.atan2,
  remainder: tf.mod, eq: tf.equal, ne: tf.notEqual, lt: tf.less, le: tf.lessEqual, gt: tf.greater, ge: tf.greaterEqual,
};
const reduction = (call) => word("x dim= keepdim=", (x, dim, keepdim) => call(x, axes(dim), keepdim));
const operations = {
  sum: reduction(tf.sum), mean: reduction(tf.mean), prod: reduction(tf.prod), amax: reduction(tf.max), amin: reduction(tf.min),
  logsumexp: reduction(tf.logSumExp), all: reduction(tf.all), any: reduction(tf.any),
  cumsum: word("x dim", (x, dim) => tf.cumsum(x, number(dim))), cumprod: word("x dim", (x, dim) => tf.cumprod(x, number(dim))),
  argmax: word("x dim=", (x, dim) => tf.argMax(x, axes(dim))), argmin: word("x dim=", (x, dim) => tf.argMin(x, axes(dim))),
  elu: word("x alpha=", (x, alpha = 1) => tf.elu(only(x, alpha, 1, "alpha"))),
  softplus: word("x beta= threshold=", (x, beta = 1) => tf.softplus(only(x, beta, 1, "beta"))), leaky_relu: word("x negative_slope=", (x, slope = 0.01) => tf.leakyRelu(x, number(slope))),
  softmax: word("x dim", (x, dim) => tf.softmax(x, last(x, dim))),
  log_softmax: word("x dim", (x, dim) => tf.logSoftmax(x, number(dim))),
  clamp: word("x min= max=", (x, min, max) => {
    if (isTensor(min) || isTensor(max)) throw new Unsupported("tensors as bounds");
    return tf.clipByValue(x, number(min ?? -Infinity), number(max ?? Infinity));
  }),
  matmul: word("a b", matmul), mm: word("a b", (a, b) => tf.matMul(a, b)), bmm: word("a b", (a, b) => tf.matMul(a, b)),
  mv: word("a b", tf.dot), dot: word("a b", tf.dot), outer: word("a b", tf.outerProduct),
  where: word("condition a b", (condition, a, b) => tf.where(condition, like(a, b), like(b, a))),
  cat: word("tensors dim=", (tensors, dim = 0) => tf.concat(tensors, number(dim))), stack: word("tensors dim=", (tensors, dim = 0) => tf.stack(tensors, number(dim))),
  reshape: word("x shape", (x, shape) => tf.reshape(x, numbers(shape))), squeeze: word("x dim=", (x, dim) => tf.squeeze(x, dim === undefined ? undefined : [numbers(dim)].flat())),
  unsqueeze: word("x dim", (x, dim) => tf.expandDims(x, number(dim))), permute: word("x dims", (x, dims) => tf.transpose(x, counted(dims))),
  flip: word("x dims", (x, dims) => tf.reverse(x, numbers(dims))), 
  broadcast_to: word("x size", (x, size) => tf.broadcastTo(x, numbers(size))), zeros_like: word("x", tf.zerosLike),
  ones_like: word("x", tf.onesLike),
};

const given = Object.fromEntries([
  ...Object.entries(unary).map(([name, call]) => [name, word("x", call)]),
  ...Object.entries(binary).map(([name, call]) => [name, word("a b", both(call))]),
  ...Object.entries(operations),
]);
const FREE_ONLY = [
  ...["cat", "stack", "where", "zeros_like", "ones_like"],
  ...["relu6", "selu", "logsigmoid", "elu", "softplus", "leaky_relu"],
];
const property = (read) => Object.assign(read, { reads: true });

module.exports = {
  version: tf.version.tfjs,
  tidy: tf.tidy,
  isTensor,
  names: {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => name !== "abs")),
    tensor: word("data dtype=", tensor),
    "func.vjp": vjp,
    float32: new Dtype("float32"), int32: new Dtype("int32"),
  },
  attributes: {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !FREE_ONLY.includes(name))),
    expand: (x, ...sizes) => broadcast(x, sizes),
    repeat: (x, ...times) => tile(x, times),
    shape: property((x) => x.shape.map(BigInt)), dtype: property((x) => new Dtype(x.dtype)),
    item: (x) => x.dataSync()[0], tolist: (x) => x.arraySync(), numel: (x) => BigInt(x.size), dim: (x) => BigInt(x.rank),
  },
  arithmetic: (sign, a, b) => both(SIGNS[sign])(a, b),
  compare: (sign, a, b) => both(COMPARED[sign])(a, b),
  negative: tf.neg,
  // What it says of what it has not got, and of what is wrong: [fragment of a message, kind].
  absent: ["gradient function not found for", "is not yet supported"],
  kinds: [["must match the shape returned by f", "grad-shape-mismatch"]],
  truth: (x) => Boolean(x.arraySync()),
};
