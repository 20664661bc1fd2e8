// Values of programs as JSON, and back. Python's whole numbers are BigInt here and its floats are numbers: 1 and 1.0 stay apart.
"use strict";

class Unsupported extends Error {}

// A dtype: what programs pass as dtype=.
class Dtype {
  constructor(name) {
    this.name = name;
  }
}

// A number, a truth value, a text or null, or these in lists, as JSON has them; `type` tells 1 from 1.0.
function plain(data, type) {
  if (Array.isArray(data)) return data.map((item) => plain(item, type));
  if (typeof data === "number") return type === "int" && Number.isInteger(data) ? BigInt(data) : data;
  if (data === null || typeof data !== "object") return data;
  const special = { nan: NaN, inf: Infinity, "-inf": -Infinity }[data.number];
  if (special === undefined) throw new Unsupported("complex numbers, and ...");
  return special;
}

function spelt(number) {
  if (Array.isArray(number)) return number.map(spelt);
  if (typeof number !== "number" || Number.isFinite(number)) return number;
  return { number: Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf" };
}

function observed(value, engine) {
  if (engine.isTensor(value)) {
    const values = value.dtype === "bool" ? booleans(value.arraySync()) : value.arraySync();
    return { dtype: value.dtype, shape: value.shape, values: spelt(values) };
  }
  if (Array.isArray(value)) return value.map((item) => observed(item, engine));
  if (value instanceof Dtype) return value.name;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return spelt(value);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  return { object: value?.constructor?.name ?? typeof value };
}

const booleans = (value) => (Array.isArray(value) ? value.map(booleans) : Boolean(value));

function described(error, engine) {
  const kind = engine.kinds.find(([fragment]) => error.message.includes(fragment))?.[1] ?? null;
  const out = { kind, text: `${error.constructor.name}: ${error.message}`, message: error.message };
  if (error instanceof Unsupported || engine.absent.some((fragment) => error.message.includes(fragment)))
    Object.assign(out, { fault: "unsupported", text: error.message });
  if (error instanceof ReferenceError) out.fault = "unbound";
  return { ...out, line: error.line ?? 0, top: error.top ?? 0 };
}

module.exports = { Dtype, Unsupported, described, observed, plain };
