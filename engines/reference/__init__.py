"""The reference engine: the specification in code.

A tape for automatic differentiation in NumPy, written to be read. It keeps what PyTorch documents, has no other
dependency than NumPy, and prefers the shortest true explanation of a rule over speed (it is fast enough: about twice
the time of PyTorch per small operation).

A tour, from the bottom up. Each module is one concept and can be read alone. What happens between a tensor and its
gradient:

`errors`           what can go wrong, by kind
`modes`            whether operations are recorded: no_grad and its relatives
`dtypes`           element types and which one a result has
`graph`            nodes, edges, and the traversal from a root to the leaves; knows no operation
`tensor`           leaf or computed, requires_grad, .grad and how gradients accumulate in it, detached aliases
`versions`         how the engine knows that memory was written
`saved`            what the reverse pass needs from the forward pass, the version check, and when it is released
`record`           how an operation that is executed becomes a node; what a rule may ask for
`rules`            THE derivative table: one line per operation
`ops`              what the operations compute
`complex_numbers`  complex tensors as pairs of real ones; what their gradients mean
`views`            tensors on the memory of other tensors, and how their history follows when that is written
`several`          operations with several results, which share a node
`inplace`          writing to memory that a graph may depend on: rewriting history
`out`              results written into a tensor that is there already
`layout`           how gradients lie in memory
`creation`         new leaves from numbers
`cotangents`       what a reverse pass starts with
`autograd`         backward() and grad(): where a reverse pass starts

What users can hang into it:

`hooks`            functions that see and replace gradients on their way, and the order of all of them; retained gradients
`multi_grad`       one hook for the gradients of several tensors
`edges`            places in the graph, to name a gradient without holding the tensor
`packing`          saved-tensor hooks: in which form saved values are kept
`mutation`         a context in which saved tensors may be written
`inference`        inference mode: tensors that never take part in a recording
`threads`          what belongs to a thread
`function`         operations whose derivative the user writes

Other ways to differentiate, and to run a function:

`levels`           transformations in progress, and what an operation means while there are some
`forward`          forward mode: dual tensors, tangents, and how every rule of reverse mode is one of forward mode, too
`mapped`           what stands for all entries of a tensor inside of a map
`vmap`             a function of one entry as a function of many
`transforms`       torch.func: the function that computes the derivative of a function
`jacobians`        all derivatives of a function, by rows or by columns
`trees`            containers of tensors, as lists
`functional`       Jacobians, Hessians and products with them, on the tape
`gradcheck`        derivatives against difference quotients
`checkpoint`       saved values that are computed a second time instead of being kept
`selective`        some of them kept after all
`random_numbers`   one generator, whose state can be put back
`anomaly`          which operation is to blame for a NaN

And around it:

`operations`       everything else that can be computed: activations, reductions, linear algebra, losses ...
`special`          special functions of a number (erf inverse, digamma, Bessel ...), as NumPy has none
`modules`          layers, parameters, hooks of modules: ordinary use of all this
`stateless`        a module called with other tensors in place of its parameters
`parametrize`      parameters that are computed from others
`optim`            optimizers
`clip`             gradients made smaller before a step
`printing`         the printed form of tensors
`adapter`          how the harness speaks to the engine

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
