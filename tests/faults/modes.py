"""Modes of a thread."""

from tests.faults.fault import Fault

FAULTS = [
    Fault('no_grad records', 'modes.py', 'mode.switch(False, mode.inference)', 'mode.switch(True, mode.inference)', 'mode'),
    Fault('no_grad leaves inference mode', 'modes.py', 'mode.switch(False, mode.inference)', 'mode.switch(False, False)', 'inference'),
    Fault('enable_grad does nothing', 'modes.py', 'mode.switch(True, mode.inference)', 'pass', 'mode'),
    Fault('enable_grad leaves inference mode', 'modes.py', 'mode.switch(True, mode.inference)', 'mode.switch(True, False)', 'inference'),
    Fault('the history of a view is not renewed in inference mode', 'modes.py', 'mode.switch(True, False)', 'mode.switch(True, mode.inference)', 'view inference'),
    Fault('a mode stays on after an exception', 'modes.py', '        mode.switch(*self.previous)\n\n    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:\n        if inspect', '        if exception[0] is None:\n            mode.switch(*self.previous)\n\n    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:\n        if inspect', 'mode'),
    Fault('a mode ends in recording, whatever was before', 'modes.py', 'self.previous = mode.enabled, mode.inference', 'self.previous = True, False', 'mode'),
    Fault('a mode forgets the inference mode around it', 'modes.py', 'self.previous = mode.enabled, mode.inference', 'self.previous = mode.enabled, False', 'inference'),
    Fault('a mode is no decorator without parentheses', 'modes.py', 'return block(function) if callable(function) else block', 'return block', 'mode'),
    Fault('a decorated generator keeps its mode at its yields', 'modes.py', 'if inspect.isgeneratorfunction(function):', 'if False:', 'mode', survives='The language has no generators.'),
    Fault('all calls of a decorated function share one block', 'modes.py', '            with self.again():\n                return', '            with self:\n                return', 'mode'),
    Fault('set_grad_enabled() waits for its block', 'modes.py', '        self.wanted = bool(mode)\n        self.__enter__()\n', '        self.wanted = bool(mode)\n', 'mode'),
    Fault('set_grad_enabled() restores what it has set itself', 'modes.py', 'if not hasattr(self, "previous"):  #', 'if True:  #', 'mode'),
    Fault('the decorator set_grad_enabled() stays switched outside', 'modes.py', '        mode.switch(*self.previous)\n        return super', '        return super', 'mode'),
    Fault('set_grad_enabled() switches on', 'modes.py', 'mode.switch(self.wanted, mode.inference)', 'mode.switch(True, mode.inference)', 'mode'),
    Fault('set_multithreading_enabled() is not undone', 'modes.py', '        _set_multithreading(self.previous)\n', '        pass\n', 'threads'),
    Fault('set_multithreading_enabled() is ignored', 'modes.py', '= mode.multithreading, enabled', '= mode.multithreading, True', 'threads'),
    Fault('is_grad_enabled() tells whether operations are recorded', 'modes.py', 'return mode.enabled', 'return mode.recording', 'inference'),
    Fault('inference mode records if recording is enabled inside', 'modes.py', 'self.recording = enabled and not inference', 'self.recording = enabled', 'inference'),
]
