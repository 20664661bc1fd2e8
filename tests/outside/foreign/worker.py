"""An engine of scalars that speaks the worker protocol by itself: bare Python, nothing of the harness.

`Value` and what stands beside it is the engine; `Program` walks the nodes of a program; `main` is the conversation.
"""

# mypy: ignore-errors

import json
import operator
import os
import platform
import sys
import time

# ---- the engine: reverse mode over single numbers


class EngineError(Exception):
    """What the engine refuses; its kind is one of `harness kinds`."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class Unsupported(Exception):
    """The engine has no such thing."""


recording = True
warned = []


class Value:
    def __init__(self, data, requires_grad=False, parents=(), weights=(), saves=False):
        self.data = data
        self.parents = parents if recording and any(parent.requires_grad for parent in parents) else ()
        self.weights = weights  # derivatives by the parents; None once they were freed
        self.saves = saves  # whether they depend on the parents' values
        self.requires_grad = requires_grad or bool(self.parents)
        self.stored = None
        self.retains = False

    @property
    def is_leaf(self):
        return not self.parents

    @property
    def grad(self):
        if self.parents and not self.retains:
            warned.append({"kind": "nonleaf-grad-access", "text": "this value keeps no gradient: it is not a leaf"})
        return self.stored

    @grad.setter
    def grad(self, value):
        self.stored = value

    def retain_grad(self):
        self.retains = True

    def item(self):
        return self.data

    def detach(self):
        return Value(self.data)

    def backward(self, gradient=None, retain_graph=False):
        if not self.requires_grad:
            raise EngineError("no-grad-fn", "nothing here requires a gradient")
        order, seen, todo = [], set(), [(self, False)]
        while todo:
            value, is_done = todo.pop()
            if is_done:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                todo += [(value, True), *((parent, False) for parent in value.parents)]
        if any(value.weights is None for value in order):
            raise EngineError("graph-freed", "this graph was used and freed")
        flowing = {self: 1.0 if gradient is None else gradient.data}
        for value in reversed(order):
            gradient = flowing.pop(value, 0.0)
            for parent, weight in zip(value.parents, value.weights if value.parents else (), strict=True):
                flowing[parent] = flowing.get(parent, 0.0) + gradient * weight
            if value.requires_grad and (value.is_leaf or value.retains):
                value.stored = Value(gradient + (value.stored.data if value.stored else 0.0))
            if value.saves and not retain_graph:
                value.weights = None


def tensor(data, requires_grad=False):
    if isinstance(data, list):
        raise Unsupported("tensors of more than one number")
    if type(data) is int:
        raise Unsupported("whole numbers")
    if type(data) is not float:
        raise EngineError("invalid-argument", f"a tensor is made of a number, not of {type(data).__name__}")
    return Value(data, requires_grad)


def lifted(value):
    if isinstance(value, Value):
        return value
    if type(value) in (int, float):
        return Value(float(value))
    raise TypeError(f"a number is due, not {type(value).__name__}")


def power(a, b):
    base, exponent = a.data, b.data
    if b.requires_grad:
        raise Unsupported("gradients of exponents")
    return base**exponent, exponent * base ** (exponent - 1), 0.0


ARITHMETIC = {
    "+": (operator.add, lambda a, b: (a.data + b.data, 1.0, 1.0)),
    "-": (operator.sub, lambda a, b: (a.data - b.data, 1.0, -1.0)),
    "*": (operator.mul, lambda a, b: (a.data * b.data, b.data, a.data)),
    "/": (operator.truediv, lambda a, b: (a.data / b.data, 1 / b.data, -a.data / b.data**2)),
    "**": (operator.pow, power),
}


def arithmetic(sign, left, right):
    if sign not in ARITHMETIC:
        raise Unsupported(sign)
    plain, derived = ARITHMETIC[sign]
    if not isinstance(left, Value) and not isinstance(right, Value):
        return plain(left, right)
    a, b = lifted(left), lifted(right)
    data, by_a, by_b = derived(a, b)
    return Value(data, parents=(a, b), weights=(by_a, by_b), saves=sign not in "+-")


class Mode:
    """A grad mode, to be entered by `with`."""

    def __init__(self, on):
        self.on = on

    def __enter__(self):
        global recording
        self.before, recording = recording, self.on

    def __exit__(self, *error):
        global recording
        recording = self.before


NAMES = {
    "tensor": tensor,
    "no_grad": lambda: Mode(False),
    "enable_grad": lambda: Mode(True),
    "set_grad_enabled": Mode,
}
ATTRIBUTES = ["requires_grad", "is_leaf", "grad", "backward", "item", "detach", "retain_grad"]
SETTABLE = ["grad"]

# ---- programs

BUILTINS = {
    "range": lambda *given: list(range(*given)),
    "len": len,
    "list": list,
    "float": lambda value: float(value.data if isinstance(value, Value) else value),
}
COMPARED = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
IDENTICAL = {"is": operator.is_, "is not": operator.is_not}


class Returned(Exception):
    """`return` on its way out of a function."""


class Program:
    """One run of one program."""

    def __init__(self, order, values):
        self.steps = order["steps"]
        self.names = dict(zip(order["parameters"], values, strict=True))
        self.local = None  # the names of the function that is running

    def run(self):
        """The steps that were reached, and the error that ended the program, if any."""
        steps = []
        for step in self.steps:
            told = {"observed": []}
            body = list(step["body"])
            last = body.pop() if step["raises"] else None
            try:
                self.block(body, 0)
            except Exception as error:
                return steps, described(error)
            if last is not None:
                try:
                    self.statement(last, 0)
                except Exception as error:
                    told["raised"] = described(error)
            for node in step["observe"]:
                try:
                    told["observed"].append(observed(self.value(node, 0)))
                except Exception as error:
                    told["observed"].append({"raised": described(error)})
            told["warned"] = list(warned)
            warned.clear()
            steps.append(told)
        return steps, None

    def block(self, nodes, line):
        for node in nodes:
            self.statement(node, line)

    def statement(self, node, line):
        self.visit("do_", node, line)

    def value(self, node, line):
        return self.visit("get_", node, line)

    def visit(self, prefix, node, line):
        here = node.get("line", line)
        method = getattr(self, prefix + node["node"], None)
        try:
            if method is None:
                raise Unsupported(f"{node['node']} in a program")
            return method(node, here)
        except Returned:
            raise
        except Exception as error:
            error.line = getattr(error, "line", here)
            if self.local is None:
                error.top = getattr(error, "top", here)
            raise

    # statements

    def do_Expr(self, node, line):
        self.value(node["value"], line)

    def do_Pass(self, node, line):
        pass

    def do_Assign(self, node, line):
        value = self.value(node["value"], line)
        for target in node["targets"]:
            self.store(target, value, line)

    def do_AugAssign(self, node, line):
        before = self.value(node["target"], line)
        if isinstance(before, Value):
            raise Unsupported("values are never written in place")
        self.store(node["target"], arithmetic(node["op"], before, self.value(node["value"], line)), line)

    def store(self, target, value, line):
        match target["node"]:
            case "Name":
                (self.names if self.local is None else self.local)[target["id"]] = value
            case "Tuple" | "List":
                for inner, item in zip(target["elts"], value, strict=True):
                    self.store(inner, item, line)
            case "Subscript":
                self.value(target["value"], line)[self.value(target["slice"], line)] = value
            case "Attribute":
                setattr(self.value(target["value"], line), target["attr"], value)

    def do_For(self, node, line):
        for item in self.value(node["iter"], line):
            self.store(node["target"], item, line)
            self.block(node["body"], line)

    def do_If(self, node, line):
        self.block(node["body"] if self.value(node["test"], line) else node.get("orelse", ()), line)

    def do_With(self, node, line):
        if len(node["items"]) != 1:
            raise Unsupported("several modes at once")
        with self.value(node["items"][0]["context_expr"], line):
            self.block(node["body"], line)

    def do_FunctionDef(self, node, line):
        def function(*given):
            parameters = [argument["arg"] for argument in node["args"].get("args", ())]
            before, self.local = self.local, dict(zip(parameters, given, strict=True))
            try:
                self.block(node["body"], line)
            except Returned as returned:
                return returned.args[0]
            finally:
                self.local = before

        self.names[node["name"]] = function

    def do_Return(self, node, line):
        raise Returned(self.value(node["value"], line) if "value" in node else None)

    # expressions

    def get_Constant(self, node, line):
        return plain(node["value"])

    def get_Name(self, node, line):
        for names in (self.local or {}, self.names, NAMES, BUILTINS):
            if node["id"] in names:
                return names[node["id"]]
        if node["id"] in ("zip", "enumerate", "tuple", "int", "bool", "abs", "isinstance"):
            raise Unsupported(node["id"])
        raise NameError(node["id"])

    def get_Attribute(self, node, line):
        return getattr(self.value(node["value"], line), node["attr"])

    def get_Call(self, node, line):
        function = self.value(node["func"], line)
        given = [self.value(argument, line) for argument in node.get("args", ())]
        return function(*given, **{k["arg"]: self.value(k["value"], line) for k in node.get("keywords", ())})

    def get_BinOp(self, node, line):
        return arithmetic(node["op"], self.value(node["left"], line), self.value(node["right"], line))

    def get_UnaryOp(self, node, line):
        value = self.value(node["operand"], line)
        match node["op"]:
            case "-":
                return arithmetic("*", value, -1)
            case "+":
                return value
        return not value

    def get_BoolOp(self, node, line):
        for inner in node["values"]:
            value = self.value(inner, line)
            if bool(value) is (node["op"] == "or"):
                break
        return value

    def get_Compare(self, node, line):
        left = self.value(node["left"], line)
        for sign, inner in zip(node["ops"], node["comparators"], strict=True):
            right = self.value(inner, line)
            if sign in IDENTICAL:
                holds = IDENTICAL[sign](left, right)
            else:
                holds = COMPARED[sign](*(side.data if isinstance(side, Value) else side for side in (left, right)))
            if not holds:
                return False
            left = right
        return True

    def get_IfExp(self, node, line):
        return self.value(node["body"] if self.value(node["test"], line) else node["orelse"], line)

    def get_List(self, node, line):
        return [self.value(inner, line) for inner in node.get("elts", ())]

    get_Tuple = get_List

    def get_Subscript(self, node, line):
        return self.value(node["value"], line)[self.value(node["slice"], line)]


# ---- values as JSON


def plain(data):
    """A number, a truth value, a text or null, or these in lists, as JSON has them."""
    if isinstance(data, list):
        return [plain(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "number" in data and "j" not in data["number"]:
        return float(data["number"])
    raise Unsupported("complex numbers, and ...")


def spelt(number):
    finite = not isinstance(number, float) or abs(number) < float("inf")
    return number if finite else {"number": repr(number)}


def observed(value):
    if isinstance(value, Value):
        return {"dtype": "float64", "shape": [], "values": spelt(value.data)}
    if isinstance(value, list):
        return [observed(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return spelt(value)
    return {"object": type(value).__name__}


def described(error):
    out = {"kind": getattr(error, "kind", None), "text": f"{type(error).__name__}: {error}", "message": str(error)}
    if isinstance(error, Unsupported):
        out |= {"fault": "unsupported", "text": str(error)}
    if isinstance(error, NameError):
        out["fault"] = "unbound"
    return out | {"line": getattr(error, "line", 0), "top": getattr(error, "top", 0)}


# ---- the conversation


def main():
    global recording
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed goes to stderr

    def answer(message):
        answers.write(json.dumps(message, allow_nan=False) + "\n")
        answers.flush()

    programs = {}
    for text in sys.stdin.buffer:
        order = json.loads(text)
        match order["message"]:
            case "start" if not order["protocol"].startswith("1."):
                answer({"message": "unusable", "reason": f"this worker speaks protocol 1.0, not {order['protocol']}"})
            case "start" if order["device"] not in (None, "cpu"):
                answer({"message": "unusable", "reason": f"this engine has no device {order['device']!r}"})
            case "start":
                answer(
                    {
                        "message": "capabilities",
                        "protocol": "1.0",
                        "version": "0.1",
                        "runtime": f"Python {platform.python_version()}",
                        "names": sorted(NAMES),
                        "attributes": ATTRIBUTES,
                        "settable": SETTABLE,
                    }
                )
            case "program":
                programs[order["program"]] = order
            case "run":
                recording = True
                warned.clear()
                program = Program(programs[order["program"]], [plain(value) for value in order["values"]])
                begun = time.perf_counter()
                steps, aborted = program.run()
                seconds = time.perf_counter() - begun
                told = {"seconds": seconds, "steps": steps, "aborted": aborted}
                answer({"message": "result", "run": order["run"], **told})
            case "stop":
                break


main()
