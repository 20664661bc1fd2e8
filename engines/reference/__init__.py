"""The reference engine: the specification in code.

A tape for automatic differentiation in NumPy, written to be read. It keeps what PyTorch documents, has no other
dependency than NumPy, and prefers the shortest true explanation of a rule over speed (it is fast enough: about twice
the time of PyTorch per small operation).

A tour, from the bottom up. Each module is one concept and can be read alone:

`errors`     what can go wrong, by kind
`modes`      whether operations are recorded: no_grad and its relatives
`dtypes`     element types and which one a result has
`graph`      nodes, edges, and the traversal from a root to the leaves; knows no operation
`tensor`     leaf or computed, requires_grad, .grad and how gradients accumulate in it, detached aliases
`hooks`      functions of the user that see and replace gradients on their way; retained gradients
`saved`      what the reverse pass needs from the forward pass, the version check, and when it is released
`record`     how an operation that is executed becomes a node; what a rule may ask for
`rules`      THE derivative table: one line per operation
`ops`        what the operations compute
`views`      tensors on the memory of other tensors, and how their history follows when that is written
`inplace`    writing to memory that a graph may depend on: rewriting history
`creation`   new leaves from numbers
`autograd`   backward() and grad(): where a reverse pass starts
`function`   operations whose derivative the user writes
`special`    special functions of a number (erf inverse, digamma, Bessel ...), as NumPy has none
`operations` everything else that can be computed: activations, reductions, linear algebra, losses ...
`modules`    layers, parameters, hooks of modules; `stateless`, `parametrize`: other tensors in their place
`optim`      optimizers; `clip`: gradients made smaller before a step
`printing`   the printed form of tensors
`adapter`    how the harness speaks to the engine

What happens in ``y = (x * w).sum(); y.backward()``: ``*`` is `ops.mul`, which calls `record.apply`: NumPy multiplies,
and because ``x`` or ``w`` requires a gradient, an `record.OperationNode` is put behind the result, with an edge to where
each operand's gradient goes and with the operands that the two rules of ``mul`` name (`rules.RULES`). The same for
``sum``. `autograd.backward` starts `graph.reverse_pass` at the node of ``y`` with gradient 1. It hands every node the sum
of what its consumers sent, youngest node first; the node applies its rules; leaves end in `graph.AccumulateGrad`, which
adds to ``.grad``. Rules are differentiable operations themselves, so with ``create_graph`` the pass is recorded as well.
"""

from . import autograd as autograd  # each of these adds the methods of its concept to the class of tensors
from . import hooks as hooks
from . import inplace as inplace
from . import ops as ops
from . import views as views
from .adapter import Engine

__all__ = ["Engine"]
