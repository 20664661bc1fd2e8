// TensorFlow.js as a worker of the conformance suite: the conversation, one JSON object a line (docs/protocol.md).
//
// engine.js says which word of the language is which function of TensorFlow.js, program.js walks the nodes of a program,
// values.js turns values into JSON and back.
"use strict";

const out = process.stdout.write.bind(process.stdout);
const answer = (message) => out(JSON.stringify(message) + "\n");
process.stdout.write = process.stderr.write.bind(process.stderr); // whatever is printed goes to stderr

function load() {
  try {
    return { engine: require("./engine.js") };
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return { reason: `${error.message.split("\n")[0]}; install it with: npm install --prefix ${__dirname}` };
  }
}

const { engine, reason } = load();
const { Program } = require("./program.js");
const { described, observed, plain } = require("./values.js");
const programs = new Map();
const lines = require("node:readline").createInterface({ input: process.stdin });

function start(order) {
  if (!order.protocol.startsWith("1.")) return unusable(`this worker speaks protocol 1.0, not ${order.protocol}`);
  if (!engine) return unusable(reason);
  if (order.device !== null && order.device !== "cpu") return unusable(`this worker has no device '${order.device}'`);
  return {
    message: "capabilities", protocol: "1.0", version: engine.version, runtime: `node ${process.versions.node}`,
    names: Object.keys(engine.names), attributes: Object.keys(engine.attributes), settable: [],
  };
}

const unusable = (why) => ({ message: "unusable", reason: why });

function run(order) {
  const begun = performance.now();
  const values = order.values.map((value, i) => (order.types[i] === "name" ? engine.names[value] : plain(value, order.types[i])));
  const [steps, aborted] = engine.tidy(() =>
    new Program(programs.get(order.program), values, engine).run((value) => observed(value, engine), (error) => described(error, engine)));
  return { message: "result", run: order.run, seconds: (performance.now() - begun) / 1000, steps, aborted };
}

lines.on("line", (text) => {
  const order = JSON.parse(text);
  if (order.message === "start") answer(start(order));
  else if (order.message === "program") programs.set(order.program, order);
  else if (order.message === "run") answer(run(order));
  else if (order.message === "stop") {
    lines.close(); // and with nothing left to wait for, Node ends
    process.stdin.destroy();
  }
});
