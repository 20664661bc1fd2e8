// A walker over the nodes of a program (docs/protocol.md, "Programs"), for an engine that gives `names`, `attributes`,
// `arithmetic`, `compare`, `negative` and `isTensor`.
"use strict";

const { Unsupported, plain } = require("./values.js");

// The keyword arguments of a call, always its last argument.
class Keywords {
  constructor(given) {
    Object.assign(this, given);
  }
}

class Returned {
  constructor(value) {
    this.value = value;
  }
}

const whole = (value) => Number(value);
const BUILTINS = {
  range: (...given) => {
    const [from, to, by] = given.length === 1 ? [0n, given[0], 1n] : [given[0], given[1], given[2] ?? 1n];
    const out = [];
    for (let i = from; by > 0n ? i < to : i > to; i += by) out.push(i);
    return out;
  },
  len: (list) => BigInt(list.length ?? list.shape[0]),
  list: (items) => [...items],
  tuple: (items) => [...items],
  zip: (...lists) => lists[0].map((_, i) => lists.map((list) => list[i])),
  abs: (value) => (value < 0 ? -value : value),
  enumerate: (list) => list.map((item, i) => [BigInt(i), item]),
};
const COMPARED = {
  "==": (a, b) => a == b, "!=": (a, b) => a != b, "<": (a, b) => a < b, "<=": (a, b) => a <= b,
  ">": (a, b) => a > b, ">=": (a, b) => a >= b, is: (a, b) => a === b, "is not": (a, b) => a !== b,
};
const PLAIN = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "**": (a, b) => a ** b };

class Program {
  constructor(order, values, engine) {
    this.steps = order.steps;
    this.engine = engine;
    this.scopes = [new Map(order.parameters.map((name, i) => [name, values[i]]))]; // the innermost one last
    this.depth = 0; // of calls
  }

  // The steps that were reached, and the error that ended the program, if any.
  run(observed, described) {
    const steps = [];
    for (const step of this.steps) {
      const told = { observed: [], warned: [] };
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
        if (this.depth === 0) error.top ??= here;
      }
      throw error;
    }
  }

  store(target, value, line) {
    if (target.node === "Name") this.scopes.at(-1).set(target.id, value);
    else if (target.node === "Tuple" || target.node === "List") {
      if (value.length !== target.elts.length) throw new TypeError("another number of values than of names");
      target.elts.forEach((inner, i) => this.store(inner, value[i], line));
    } else throw new Unsupported("tensors are never written in place");
  }

  // A function of the program: it sees the names of where it was made.
  made(args, body, line) {
    const parameters = (args.args ?? []).map((argument) => argument.arg);
    const scopes = this.scopes;
    return (...given) => {
      if (given.length !== parameters.length) throw new TypeError(`${parameters.length} arguments are due, not ${given.length}`);
      const before = this.scopes;
      this.scopes = [...scopes, new Map(parameters.map((name, i) => [name, given[i]]))];
      this.depth += 1;
      try {
        return body(line);
      } catch (error) {
        if (error instanceof Returned) return error.value;
        throw error;
      } finally {
        this.scopes = before;
        this.depth -= 1;
      }
    };
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
    if (this.engine.isTensor(before)) throw new Unsupported("tensors are never written in place");
    this.store(node.target, this.binary(node.op, before, this.visit(node.value, line)), line);
  }
  For(node, line) {
    for (const item of this.visit(node.iter, line)) {
      this.store(node.target, item, line);
      this.block(node.body, line);
    }
  }
  If(node, line) {
    this.block(this.truth(this.visit(node.test, line)) ? node.body : (node.orelse ?? []), line);
  }
  FunctionDef(node, line) {
    const body = (at) => {
      this.block(node.body, at);
      return null;
    };
    this.scopes.at(-1).set(node.name, this.made(node.args, body, line));
  }
  Return(node, line) {
    throw new Returned(node.value ? this.visit(node.value, line) : null);
  }

  // expressions

  Lambda(node, line) {
    return this.made(node.args, (at) => this.visit(node.body, at), line);
  }
  Constant(node) {
    return plain(node.value, node.type);
  }
  Name(node) {
    if (node.id === "abs") return (value) => (this.engine.isTensor(value) ? this.engine.attributes.abs(value) : BUILTINS.abs(value));
    for (const names of [...this.scopes].reverse()) if (names.has(node.id)) return names.get(node.id);
    for (const names of [this.engine.names, BUILTINS]) if (Object.hasOwn(names, node.id)) return names[node.id];
    if (node.id === "nan" || node.id === "inf") return node.id === "nan" ? NaN : Infinity;
    throw new (["int", "float", "bool", "dict", "isinstance"].includes(node.id) ? Unsupported : ReferenceError)(node.id);
  }
  Attribute(node, line) {
    const owner = this.visit(node.value, line);
    if (Array.isArray(owner) && node.attr === "append") return (item) => void owner.push(item);
    if (!this.engine.isTensor(owner)) throw new TypeError(`it has no ${node.attr}`);
    const found = this.engine.attributes[node.attr];
    return found.reads ? found(owner) : (...given) => found(owner, ...given);
  }
  Call(node, line) {
    const call = this.visit(node.func, line);
    const given = (node.args ?? []).map((argument) => this.visit(argument, line));
    const keywords = (node.keywords ?? []).map((keyword) => [keyword.arg, this.visit(keyword.value, keyword.line ?? line)]);
    return call(...given, ...(keywords.length ? [new Keywords(Object.fromEntries(keywords))] : []));
  }
  BinOp(node, line) {
    return this.binary(node.op, this.visit(node.left, line), this.visit(node.right, line));
  }
  binary(sign, left, right) {
    if (this.engine.isTensor(left) || this.engine.isTensor(right)) return this.engine.arithmetic(sign, left, right);
    if (Array.isArray(left) && Array.isArray(right) && sign === "+") return [...left, ...right];
    if (!(sign in PLAIN)) throw new Unsupported(`${sign} of plain numbers`);
    const exact = typeof left === "bigint" && typeof right === "bigint" && sign !== "/" && !(sign === "**" && right < 0n);
    return exact ? PLAIN[sign](left, right) : PLAIN[sign](Number(left), Number(right));
  }
  UnaryOp(node, line) {
    const value = this.visit(node.operand, line);
    if (node.op === "not") return !this.truth(value);
    if (node.op === "+") return value;
    return this.engine.isTensor(value) ? this.engine.negative(value) : -value;
  }
  BoolOp(node, line) {
    let value;
    for (const inner of node.values) {
      value = this.visit(inner, line);
      if (this.truth(value) === (node.op === "or")) break;
    }
    return value;
  }
  Compare(node, line) {
    let left = this.visit(node.left, line);
    for (const [i, sign] of node.ops.entries()) {
      const right = this.visit(node.comparators[i], line);
      const tensors = this.engine.isTensor(left) || this.engine.isTensor(right);
      if (tensors && !sign.startsWith("is")) return this.engine.compare(sign, left, right);
      if (!COMPARED[sign](left, right)) return false;
      left = right;
    }
    return true;
  }
  IfExp(node, line) {
    return this.visit(this.truth(this.visit(node.test, line)) ? node.body : node.orelse, line);
  }
  List(node, line) {
    return (node.elts ?? []).map((inner) => this.visit(inner, line));
  }
  Tuple(node, line) {
    return this.List(node, line);
  }
  ListComp(node, line) {
    const [{ target, iter, ifs }] = node.generators;
    if (node.generators.length > 1 || ifs?.length) throw new Unsupported("nested comprehensions");
    return this.visit(iter, line).map((item) => {
      this.store(target, item, line);
      return this.visit(node.elt, line);
    });
  }
  Subscript(node, line) {
    const list = this.visit(node.value, line);
    if (!Array.isArray(list)) throw new Unsupported("[] of a tensor");
    const found = list.at(whole(this.visit(node.slice, line)));
    if (found === undefined) throw new RangeError("no such item");
    return found;
  }
  truth(value) {
    if (this.engine.isTensor(value)) return this.engine.truth(value);
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  }
}

module.exports = { Keywords, Program };
