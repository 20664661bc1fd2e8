// An engine of scalars that speaks the worker protocol by itself, in JavaScript and without a package.
//
// `Value` and what stands beside it is the engine; `Program` walks the nodes of a program; the conversation is at the end.
// Python's whole numbers are BigInt here and its floats are numbers, so that 1 and 1.0 stay apart.
"use strict";

// ---- the engine: reverse mode over single numbers

class EngineError extends Error {
  constructor(kind, text) {
    super(text);
    this.kind = kind; // one of `harness kinds`
  }
}
class Unsupported extends Error {}

let recording = true;
let warned = [];

class Value {
  constructor(data, requiresGrad = false, parents = [], weights = [], saves = false) {
    this.data = data;
    this.parents = recording && parents.some((parent) => parent.requires_grad) ? parents : [];
    this.weights = weights; // derivatives by the parents; null once they were freed
    this.saves = saves; // whether they depend on the parents' values
    this.requires_grad = requiresGrad || this.parents.length > 0;
    this.stored = null;
    this.retains = false;
  }
  get is_leaf() {
    return this.parents.length === 0;
  }
  get grad() {
    if (this.parents.length && !this.retains)
      warned.push({ kind: "nonleaf-grad-access", text: "this value keeps no gradient: it is not a leaf" });
    return this.stored;
  }
  set grad(value) {
    this.stored = value;
  }
  retain_grad() {
    this.retains = true;
    return null;
  }
  item() {
    return this.data;
  }
  detach() {
    return new Value(this.data);
  }
  backward(...given) {
    const weight = given[0] instanceof Value ? given.shift().data : 1;
    const [{ retain_graph = false, ...others } = {}] = given;
    for (const name of Object.keys(others)) throw new Unsupported(`backward(${name})`);
    if (!this.requires_grad) throw new EngineError("no-grad-fn", "nothing here requires a gradient");
    const order = [], seen = new Set(), todo = [[this, false]];
    while (todo.length) {
      const [value, isDone] = todo.pop();
      if (isDone) order.push(value);
      else if (!seen.has(value)) {
        seen.add(value);
        todo.push([value, true], ...value.parents.map((parent) => [parent, false]));
      }
    }
    if (order.some((value) => value.weights === null))
      throw new EngineError("graph-freed", "this graph was used and freed");
    const flowing = new Map([[this, weight]]);
    for (const value of order.reverse()) {
      const gradient = flowing.get(value) ?? 0;
      value.parents.forEach((parent, i) => {
        flowing.set(parent, (flowing.get(parent) ?? 0) + gradient * value.weights[i]);
      });
      if (value.requires_grad && (value.is_leaf || value.retains))
        value.stored = new Value(gradient + (value.stored ? value.stored.data : 0));
      if (value.saves && !retain_graph) value.weights = null;
    }
    return null;
  }
}

function tensor(data, { requires_grad = false } = {}) {
  if (Array.isArray(data)) throw new Unsupported("tensors of more than one number");
  if (typeof data === "bigint") throw new Unsupported("whole numbers");
  if (typeof data !== "number") throw new EngineError("invalid-argument", `a tensor is made of a number, not ${data}`);
  return new Value(data, requires_grad);
}

function lifted(value) {
  if (value instanceof Value) return value;
  if (typeof value === "number" || typeof value === "bigint") return new Value(Number(value));
  throw new TypeError(`a number is due, not ${value}`);
}

const DERIVED = {
  "+": (a, b) => [a.data + b.data, 1, 1],
  "-": (a, b) => [a.data - b.data, 1, -1],
  "*": (a, b) => [a.data * b.data, b.data, a.data],
  "/": (a, b) => [a.data / b.data, 1 / b.data, -a.data / b.data ** 2],
  "**": (a, b) => {
    if (b.requires_grad) throw new Unsupported("gradients of exponents");
    return [a.data ** b.data, b.data * a.data ** (b.data - 1), 0];
  },
};
const PLAIN = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "**": (a, b) => a ** b };

function arithmetic(sign, left, right) {
  if (!(sign in DERIVED)) throw new Unsupported(sign);
  if (left instanceof Value || right instanceof Value) {
    const a = lifted(left), b = lifted(right);
    const [data, byA, byB] = DERIVED[sign](a, b);
    return new Value(data, false, [a, b], [byA, byB], !"+-".includes(sign));
  }
  const whole = typeof left === "bigint" && typeof right === "bigint" && sign !== "/" && !(sign === "**" && right < 0n);
  for (const side of [left, right]) lifted(side);
  return whole ? PLAIN[sign](left, right) : PLAIN[sign](Number(left), Number(right));
}

class Mode {
  constructor(on) {
    this.on = on;
  }
  around(body) {
    const before = recording;
    recording = this.on;
    try {
      body();
    } finally {
      recording = before;
    }
  }
}

const NAMES = {
  tensor,
  no_grad: () => new Mode(false),
  enable_grad: () => new Mode(true),
  set_grad_enabled: (on) => new Mode(on),
};
const ATTRIBUTES = ["requires_grad", "is_leaf", "grad", "backward", "item", "detach", "retain_grad"];
const SETTABLE = ["grad"];

// ---- programs

const BUILTINS = {
  range: (...given) => {
    const [from, to, by] = given.length === 1 ? [0n, given[0], 1n] : [given[0], given[1], given[2] ?? 1n];
    const out = [];
    for (let i = from; by > 0n ? i < to : i > to; i += by) out.push(i);
    return out;
  },
  len: (list) => BigInt(list.length),
  list: (items) => [...items],
  float: (value) => Number(value instanceof Value ? value.data : value),
};
const COMPARED = {
  "==": (a, b) => a == b, "!=": (a, b) => a != b, "<": (a, b) => a < b, "<=": (a, b) => a <= b,
  ">": (a, b) => a > b, ">=": (a, b) => a >= b, is: (a, b) => a === b, "is not": (a, b) => a !== b,
};
const truth = (value) => (Array.isArray(value) ? value.length > 0 : value instanceof Value ? value.data !== 0 : Boolean(value));

class Returned {
  constructor(value) {
    this.value = value;
  }
}

class Program {
  constructor(order, values) {
    this.steps = order.steps;
    this.names = new Map(order.parameters.map((name, i) => [name, values[i]]));
    this.local = null; // the names of the function that is running
  }

  // The steps that were reached, and the error that ended the program, if any.
  run() {
    const steps = [];
    for (const step of this.steps) {
      const told = { observed: [] };
      const body = [...step.body];
      const last = step.raises ? body.pop() : null;
      try {
        this.block(body, 0);
      } catch (error) {
        return [steps, described(error)];
      }
      if (last)
        try {
          this.visit(last, 0);
        } catch (error) {
          told.raised = described(error);
        }
      for (const node of step.observe)
        try {
          told.observed.push(observed(this.visit(node, 0)));
        } catch (error) {
          told.observed.push({ raised: described(error) });
        }
      told.warned = warned;
      warned = [];
      steps.push(told);
    }
    return [steps, null];
  }

  block(nodes, line) {
    for (const node of nodes) this.visit(node, line);
  }

  visit(node, line) {
    const here = node.line ?? line;
    try {
      if (typeof this[node.node] !== "function") throw new Unsupported(`${node.node} in a program`);
      return this[node.node](node, here);
    } catch (error) {
      if (!(error instanceof Returned)) {
        error.line ??= here;
        if (this.local === null) error.top ??= here;
      }
      throw error;
    }
  }

  store(target, value, line) {
    switch (target.node) {
      case "Name":
        (this.local ?? this.names).set(target.id, value);
        break;
      case "Tuple":
      case "List":
        if (value.length !== target.elts.length) throw new TypeError("another number of values than of names");
        target.elts.forEach((inner, i) => this.store(inner, value[i], line));
        break;
      case "Subscript":
        this.visit(target.value, line)[Number(this.visit(target.slice, line))] = value;
        break;
      case "Attribute":
        this.visit(target.value, line)[target.attr] = value;
    }
  }

  // statements

  Expr(node, line) {
    this.visit(node.value, line);
  }
  Pass() {}
  Assign(node, line) {
    const value = this.visit(node.value, line);
    for (const target of node.targets) this.store(target, value, line);
  }
  AugAssign(node, line) {
    const before = this.visit(node.target, line);
    if (before instanceof Value) throw new Unsupported("values are never written in place");
    this.store(node.target, arithmetic(node.op, before, this.visit(node.value, line)), line);
  }
  For(node, line) {
    for (const item of this.visit(node.iter, line)) {
      this.store(node.target, item, line);
      this.block(node.body, line);
    }
  }
  If(node, line) {
    this.block(truth(this.visit(node.test, line)) ? node.body : (node.orelse ?? []), line);
  }
  With(node, line) {
    if (node.items.length !== 1) throw new Unsupported("several modes at once");
    this.visit(node.items[0].context_expr, line).around(() => this.block(node.body, line));
  }
  FunctionDef(node, line) {
    const parameters = (node.args.args ?? []).map((argument) => argument.arg);
    this.names.set(node.name, (...given) => {
      if (given.length !== parameters.length) throw new TypeError(`${node.name} takes ${parameters.length} arguments`);
      const before = this.local;
      this.local = new Map(parameters.map((name, i) => [name, given[i]]));
      try {
        this.block(node.body, line);
        return null;
      } catch (error) {
        if (error instanceof Returned) return error.value;
        throw error;
      } finally {
        this.local = before;
      }
    });
  }
  Return(node, line) {
    throw new Returned(node.value ? this.visit(node.value, line) : null);
  }

  // expressions

  Constant(node) {
    return plain(node.value, node.type);
  }
  Name(node) {
    for (const names of [this.local, this.names]) if (names?.has(node.id)) return names.get(node.id);
    for (const names of [NAMES, BUILTINS]) if (Object.hasOwn(names, node.id)) return names[node.id];
    if (["zip", "enumerate", "tuple", "int", "bool", "abs", "isinstance"].includes(node.id)) throw new Unsupported(node.id);
    throw new ReferenceError(node.id);
  }
  Attribute(node, line) {
    const owner = this.visit(node.value, line);
    if (Array.isArray(owner) && node.attr === "append")
      return (item) => {
        owner.push(item);
        return null;
      };
    if (!(owner instanceof Value)) throw new TypeError(`${owner} has no ${node.attr}`);
    const found = owner[node.attr];
    return typeof found === "function" ? found.bind(owner) : found;
  }
  Call(node, line) {
    const call = this.visit(node.func, line);
    const given = (node.args ?? []).map((argument) => this.visit(argument, line));
    const keywords = (node.keywords ?? []).map((keyword) => [keyword.arg, this.visit(keyword.value, keyword.line ?? line)]);
    return call(...given, ...(keywords.length ? [Object.fromEntries(keywords)] : []));
  }
  BinOp(node, line) {
    return arithmetic(node.op, this.visit(node.left, line), this.visit(node.right, line));
  }
  UnaryOp(node, line) {
    const value = this.visit(node.operand, line);
    return node.op === "-" ? arithmetic("*", value, -1n) : node.op === "+" ? value : !truth(value);
  }
  BoolOp(node, line) {
    let value;
    for (const inner of node.values) {
      value = this.visit(inner, line);
      if (truth(value) === (node.op === "or")) break;
    }
    return value;
  }
  Compare(node, line) {
    let left = this.visit(node.left, line);
    for (const [i, sign] of node.ops.entries()) {
      const right = this.visit(node.comparators[i], line);
      const sides = sign.startsWith("is") ? [left, right] : [left, right].map((side) => (side instanceof Value ? side.data : side));
      if (!COMPARED[sign](...sides)) return false;
      left = right;
    }
    return true;
  }
  IfExp(node, line) {
    return this.visit(truth(this.visit(node.test, line)) ? node.body : node.orelse, line);
  }
  List(node, line) {
    return (node.elts ?? []).map((inner) => this.visit(inner, line));
  }
  Tuple(node, line) {
    return this.List(node, line);
  }
  Subscript(node, line) {
    const found = this.visit(node.value, line).at?.(Number(this.visit(node.slice, line)));
    if (found === undefined) throw new RangeError("no such item");
    return found;
  }
}

// ---- values as JSON

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
  if (Number.isFinite(number)) return number;
  return { number: Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf" };
}

function observed(value) {
  if (value instanceof Value) return { dtype: "float64", shape: [], values: spelt(value.data) };
  if (Array.isArray(value)) return value.map(observed);
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return spelt(value);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  return { object: value.constructor.name };
}

function described(error) {
  const out = { kind: error.kind ?? null, text: `${error.constructor.name}: ${error.message}`, message: error.message };
  if (error instanceof Unsupported) Object.assign(out, { fault: "unsupported", text: error.message });
  if (error instanceof ReferenceError) out.fault = "unbound";
  return { ...out, line: error.line ?? 0, top: error.top ?? 0 };
}

// ---- the conversation

const answer = (message) => process.stdout.write(JSON.stringify(message) + "\n");
console.log = console.error; // whatever is printed goes to stderr
const programs = new Map();
const lines = require("node:readline").createInterface({ input: process.stdin });

lines.on("line", (text) => {
  const order = JSON.parse(text);
  switch (order.message) {
    case "start":
      if (!order.protocol.startsWith("1."))
        answer({ message: "unusable", reason: `this worker speaks protocol 1.0, not ${order.protocol}` });
      else if (order.device !== null && order.device !== "cpu")
        answer({ message: "unusable", reason: `this engine has no device '${order.device}'` });
      else
        answer({
          message: "capabilities", protocol: "1.0", version: "0.1", runtime: `node ${process.versions.node}`,
          names: Object.keys(NAMES), attributes: ATTRIBUTES, settable: SETTABLE,
        });
      break;
    case "program":
      programs.set(order.program, order);
      break;
    case "run": {
      recording = true;
      warned = [];
      const values = order.values.map((value, i) => plain(value, order.types[i]));
      const program = new Program(programs.get(order.program), values);
      const begun = performance.now();
      const [steps, aborted] = program.run();
      answer({ message: "result", run: order.run, seconds: (performance.now() - begun) / 1000, steps, aborted });
      break;
    }
    case "stop":
      lines.close(); // and with nothing left to wait for, Node ends
      process.stdin.destroy();
  }
});
