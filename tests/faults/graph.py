"""The graph and its traversal."""

from tests.faults.fault import Fault

FAULTS = [
    Fault('only the last consumer counts', 'graph.py', 'gradient if present is None else present + gradient', 'gradient', 'backward'),
    Fault('oldest nodes run first', 'graph.py', 'heappush(queue, (-node.order, node))', 'heappush(queue, (node.order, node))', 'backward'),
    Fault('untracked operands leave no gap among the edges', 'graph.py', 'tuple((None, 0) if edge is None else edge for edge in self.edges)', 'tuple(edge for edge in self.edges if edge is not None)', 'node'),
    Fault('a leaf that was frozen since still accumulates', 'graph.py', 'if gradient is not None and self.variable.requires_grad:', 'if gradient is not None:', 'flag'),
    Fault('the accumulation node forgets the hooks of its leaf', 'graph.py', 'self.hooks = hooks', 'self.hooks = None', 'hook'),
    Fault('a pass is recorded always', 'graph.py', 'mode.switch(self._recorded, mode.inference)', 'mode.switch(True, mode.inference)', 'hook grad-fn'),
    Fault('a pass is recorded if its caller is', 'graph.py', 'mode.switch(self._recorded, mode.inference)', 'pass', 'higher grad-fn'),
    Fault('a pass leaves its own grad mode behind', 'graph.py', 'mode.switch(self._enabled, mode.inference)', 'pass', 'backward'),
    Fault('nobody knows that a pass is for some gradients only', 'graph.py', 'return self._receiving is not None', 'return False', 'checkpoint'),
    Fault('a pass inside of a pass makes the outer one forgotten', 'graph.py', 'mode.reverse_pass = self._outer', 'mode.reverse_pass = None', 'checkpoint multi-grad-hook'),
    Fault('gradients flow to where nobody asked for them', 'graph.py', 'receiving = on_the_way | ends', 'receiving = _behind(edge[0] for edge, _ in starts)', 'inputs backward-fn'),
    Fault('grad() runs the nodes of its inputs', 'graph.py', 'running = on_the_way if capture else receiving', 'running = receiving', 'grad-fn inputs'),
    Fault('backward() does not run the nodes of its inputs', 'graph.py', 'running = on_the_way if capture else receiving', 'running = on_the_way', 'inputs backward-fn'),
    Fault('nodes run though nothing behind them is asked for', 'graph.py', 'if running is not None and node not in running:', 'if False:', 'grad-fn'),
    Fault('nodes that did not run are released', 'graph.py', 'if running is not None and node not in running:\n', 'if running is not None and node not in running:\n                node.release()\n', 'grad-fn'),
    Fault('edges to unwanted nodes are followed', 'graph.py', ' or (receiving is not None and edge_or_none[0] not in receiving)', '', 'grad-fn inputs'),
    Fault('only direct producers lead to a target', 'graph.py', '(edge[0] in ends or edge[0] in leading)', 'edge[0] in ends', 'grad-fn inputs'),
    Fault('the way to the targets is decided from the wrong end', 'graph.py', 'key=lambda node: node.order', 'key=lambda node: -node.order', 'grad-fn inputs'),
    Fault('retain_graph is ignored', 'graph.py', 'if not retain_graph:', 'if True:', 'graph'),
    Fault('nothing is ever released', 'graph.py', '                node.release()\n', '                pass\n', 'graph'),
    Fault('saved values survive the release', 'record.py', '        self.saved = None\n', '        pass\n', 'graph'),
    Fault('the sum over broadcast axes is left out', 'graph.py', 'gradient = gradient.sum_to_size(shape)', 'gradient = gradient[(0,) * (len(gradient.shape) - len(shape))][tuple(slice(0, n) for n in shape)]', 'backward'),
    Fault('gradients of any shape are made to fit', 'graph.py', 'if not _repeats(shape, gradient.shape):', 'if False:', 'custom-function'),
    Fault('every shape counts as broadcast', 'graph.py', 'len(shape) <= len(wide) and all(n in (1, m) for n, m in zip(shape, tail, strict=True))', 'True', 'custom-function'),
    Fault('gradients keep the dtype that they arrive with', 'graph.py', 'if dtype is not None and gradient.dtype != dtype:', 'if False:', 'grad'),
    Fault('gradients are taken before hooks have seen them', 'graph.py', '            if node.hooks is not None:\n                node.hooks.on_arrival(gradients)\n            if capture and targets is not None:\n                for output, present in enumerate(gradients):\n                    if present is not None and (node, output) in targets:\n                        captured[node, output] = present\n', '            if capture and targets is not None:\n                for output, present in enumerate(gradients):\n                    if present is not None and (node, output) in targets:\n                        captured[node, output] = present\n            if node.hooks is not None:\n                node.hooks.on_arrival(gradients)\n', 'hook'),
    Fault('gradients of all nodes are captured', 'graph.py', 'if present is not None and (node, output) in targets:', 'if present is not None:', 'grad-fn', survives='Nobody asks the traversal for gradients that were not asked for.'),
    Fault('an accumulation node is called like an operation', 'graph.py', '"torch::autograd::AccumulateGrad"', '"AccumulateGradBackward0"', 'nodes'),
]
