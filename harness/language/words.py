"""Every word of the spec language: free names, and what may follow a dot.

This table is the language's dictionary: what a program may say, which keywords a call may carry, what kind of thing
comes back, and one sentence of meaning. What a case needs of an engine is read off the words it uses.
"""

from __future__ import annotations

import ast
from typing import Final, Literal, NamedTuple

Result = Literal["", "tensor", "plain", "word", "words"]
"""What a call or an attribute yields: a tensor, a plain Python value, a word (a dtype's or an operation's name), a list
of words; empty where it depends. Expected values of words are written as they are, without quotes."""


class Word(NamedTuple):
    name: str
    result: Result
    parameters: tuple[str, ...]
    """In order; ``...`` where any number of operands goes first."""
    optional: frozenset[str]
    """Parameters that a call may leave out: each one that is given is a need of its own."""
    meaning: str


def _table(text: str) -> dict[str, Word]:
    """One word a line: ``name(parameter, optional=, ...) -> result | meaning``; the call and the result may be absent."""
    words = {}
    for line in text.strip().splitlines():
        head, meaning = (part.strip() for part in line.split("|", 1))
        call, _, result = (part.strip() for part in head.partition("->"))
        name, _, listed = call.rstrip(")").partition("(")
        given = [part.strip() for part in listed.split(",") if part.strip()]
        optional = frozenset(part[:-1] for part in given if part.endswith("="))
        parameters = tuple(part.rstrip("=") for part in given)
        words[name] = Word(name, result, parameters, optional, meaning)  # type: ignore[arg-type]
    return words


NAMES: Final = _table("""
tensor(data, dtype=, requires_grad=) -> tensor                             | a new tensor from numbers in nested lists
zeros(..., dtype=, requires_grad=) -> tensor                               | a tensor of zeros of the given sizes
ones(..., dtype=, requires_grad=) -> tensor                                | a tensor of ones of the given sizes
zeros_like(..., dtype=, requires_grad=) -> tensor                          | zeros in the shape and dtype of another tensor
ones_like(..., dtype=, requires_grad=) -> tensor                           | ones in the shape and dtype of another tensor
Tensor                                                                     | the class of tensors
Variable(data, requires_grad=) -> tensor                                   | the old constructor that wraps a tensor
Parameter(data, requires_grad=) -> tensor                                  | a tensor that a module owns and trains
Linear(in_features, out_features, bias=)                                   | a layer y = x @ weight.T + bias; its random start values must be overwritten
SGD(params, lr)                                                            | the optimizer p -= lr * p.grad
Function                                                                   | base class of custom functions with their own forward and backward
no_grad                                                                    | context: nothing is recorded
enable_grad                                                                | context: recording is on again
set_grad_enabled                                                           | context: recording on or off
backward(tensors, grad_tensors=, retain_graph=, create_graph=, inputs=)    | run the reverse pass from tensors and accumulate into leaves
grad(outputs, inputs, grad_outputs=, retain_graph=, create_graph=, allow_unused=) | gradients of outputs, returned instead of accumulated
add(..., alpha=) -> tensor                                                 | elementwise sum
sub(..., alpha=) -> tensor                                                 | elementwise difference
mul -> tensor                                                              | elementwise product
div -> tensor                                                              | elementwise quotient
pow -> tensor                                                              | elementwise power
matmul -> tensor                                                           | matrix product
mm -> tensor                                                               | product of two matrices
exp -> tensor                                                              | elementwise exponential
log -> tensor                                                              | elementwise natural logarithm
sqrt -> tensor                                                             | elementwise square root
sin -> tensor                                                              | elementwise sine
cos -> tensor                                                              | elementwise cosine
tanh -> tensor                                                             | elementwise hyperbolic tangent
sigmoid -> tensor                                                          | elementwise logistic function
relu -> tensor                                                             | elementwise max(x, 0)
mse_loss(..., reduction=) -> tensor                                        | mean squared error
binary_cross_entropy_with_logits(..., reduction=) -> tensor                | binary cross entropy of sigmoid(input) against target
float16 -> word                                                            | dtype
bfloat16 -> word                                                           | dtype
float32 -> word                                                            | dtype
float64 -> word                                                            | dtype
complex64 -> word                                                          | dtype
complex128 -> word                                                         | dtype
int32 -> word                                                              | dtype
int64 -> word                                                              | dtype
op_name -> word                                                            | engine-neutral name of the operation that made a tensor; null for a leaf
next_ops -> words                                                          | op_name of each operand's creator: leaf where gradients accumulate, null where untracked
saved                                                                      | the tensors that the creator of a tensor keeps for the reverse pass
same_storage -> plain                                                      | whether two tensors share memory
repr -> word                                                               | the printed form
version -> plain                                                           | how many in-place writes a tensor's memory has seen
""")

DTYPES: Final = frozenset(word.name for word in NAMES.values() if word.meaning == "dtype")

BUILTINS: Final = _table("""
range -> plain                                                             | at most 10,000 numbers
len -> plain                                                               | length of a list
zip -> plain                                                               | lists side by side
enumerate -> plain                                                         | a list with its positions
list -> plain                                                              | a list of what a loop would see
tuple -> plain                                                             | a fixed list of what a loop would see
float -> plain                                                             | as a Python number
int -> plain                                                               | as a Python integer
bool -> plain                                                              | as a truth value
abs                                                                        | absolute value
isinstance -> plain                                                        | whether a value is of a class
""")

ATTRIBUTES: Final = _table("""
requires_grad -> plain                                                     | whether operations on the tensor are recorded
is_leaf -> plain                                                           | whether the tensor was made by the user rather than by a recorded operation
grad -> tensor                                                             | the accumulated gradient, or null
grad_fn                                                                    | the node that made the tensor, or null
retains_grad -> plain                                                      | whether a computed tensor keeps its gradient
data -> tensor                                                             | the same memory, outside of the graph
dtype -> word                                                              | the element type
shape -> plain                                                             | the sizes
T -> tensor                                                                | dimensions reversed
backward(gradient=, retain_graph=, create_graph=, inputs=)                 | run the reverse pass from this tensor
requires_grad_(requires_grad=) -> tensor                                   | switch recording in place
retain_grad -> plain                                                       | keep the gradient of a computed tensor
detach -> tensor                                                           | the same memory, outside of the graph
detach_ -> tensor                                                          | take the tensor itself out of the graph
clone -> tensor                                                            | a recorded copy
register_hook                                                              | call a function with the gradient when it is computed
remove -> plain                                                            | remove a hook by its handle
item -> plain                                                              | the only element as a Python number
tolist -> plain                                                            | the elements as nested lists
numpy                                                                      | the same memory as a NumPy array
dim -> plain                                                               | number of dimensions
numel -> plain                                                             | number of elements
sum(dim=, keepdim=) -> tensor                                              | sum of elements
mean(dim=, keepdim=) -> tensor                                             | mean of elements
add -> tensor                                                              | elementwise sum
sub -> tensor                                                              | elementwise difference
mul -> tensor                                                              | elementwise product
div -> tensor                                                              | elementwise quotient
pow -> tensor                                                              | elementwise power
matmul -> tensor                                                           | matrix product
mm -> tensor                                                               | product of two matrices
exp -> tensor                                                              | elementwise exponential
log -> tensor                                                              | elementwise natural logarithm
sqrt -> tensor                                                             | elementwise square root
sin -> tensor                                                              | elementwise sine
cos -> tensor                                                              | elementwise cosine
tanh -> tensor                                                             | elementwise hyperbolic tangent
sigmoid -> tensor                                                          | elementwise logistic function
relu -> tensor                                                             | elementwise max(x, 0)
view -> tensor                                                             | the same memory in another shape
reshape -> tensor                                                          | the elements in another shape
t -> tensor                                                                | matrix transpose
add_ -> tensor                                                             | in-place sum
sub_ -> tensor                                                             | in-place difference
mul_ -> tensor                                                             | in-place product
zero_ -> tensor                                                            | fill with zeros
fill_ -> tensor                                                            | fill with a number
copy_ -> tensor                                                            | overwrite with another tensor's elements
name -> word                                                               | what the engine calls a node of the graph
next_functions                                                             | the edges of a node: (node, output number) for every operand
variable -> tensor                                                         | the leaf behind an accumulation node
weight -> tensor                                                           | of a layer
bias -> tensor                                                             | of a layer
parameters                                                                 | a module's parameters
zero_grad -> plain                                                         | forget the gradients of all parameters
step -> plain                                                              | one update of all parameters
apply                                                                      | run a custom function
save_for_backward -> plain                                                 | keep tensors for the backward of a custom function
saved_tensors                                                              | what save_for_backward kept
needs_input_grad -> plain                                                  | which inputs of a custom function need a gradient
""")

PROPERTIES: Final = frozenset(
    (
        "requires_grad",
        "is_leaf",
        "grad",
        "grad_fn",
        "retains_grad",
        "data",
        "dtype",
        "shape",
        "T",
        "next_functions",
        "variable",
        "weight",
        "bias",
        "saved_tensors",
        "needs_input_grad",
    )
)
"""Attributes that are read; all others are called."""

LISTS: Final = _table("""
append -> plain                                                            | add to the end of a list
""")
"""Attributes of plain lists: part of the language itself, needed of no engine."""

GROWING: Final = frozenset({"view", "reshape", "t", "T"})
"""Words after which broadcasting may multiply sizes again; programs that use them run with size checks."""

OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
COMPARISONS: Final[dict[type[ast.AST], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "",
    ast.IsNot: "",
}
"""What each asks of an engine; identity asks nothing."""
