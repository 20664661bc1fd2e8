"""What a program may ask about a tensor and its graph.

The source of these functions stands in stand-alone scripts, so it is plain PyTorch without annotations.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import re
import threading

import torch

WORDS = (
    *("op_name", "next_ops", "saved", "raw_saved", "same_storage", "is_view", "strides", "version"),
    *("in_thread", "thread_id", "aten"),
)
"""The words of the language that this module gives a meaning."""


def op_name(x):
    """The name of the operation that made x, without PyTorch's own endings; None for a leaf."""
    return None if x.grad_fn is None else node_name(x.grad_fn)


def node_name(node):
    name = re.sub(r"Backward\d*$", "", node.name().rpartition("::")[2])
    return "leaf" if name == "AccumulateGrad" else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def next_ops(x):
    return [None if node is None else node_name(node) for node, _ in x.grad_fn.next_functions]


def saved(x):
    values = [getattr(x.grad_fn, name) for name in dir(x.grad_fn) if name.startswith("_saved_")]
    return [value for value in values if isinstance(value, torch.Tensor)]


def raw_saved(x):
    return [getattr(x.grad_fn, name) for name in dir(x.grad_fn) if name.startswith("_raw_saved_")]


def is_view(x):
    return x._is_view()


def strides(x):
    return list(x.stride())


def same_storage(a, b):
    a, b = (getattr(x, "untyped_storage", x.storage)() for x in (a, b))  # before 2.0 there are none without a type
    return a.data_ptr() == b.data_ptr()


def version(x):
    return x._version


def in_thread(f):
    """What f() gives in a thread of its own; an error comes out here."""
    values, errors = [], []

    def run():
        try:
            values.append(f())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return values[0]


def thread_id():
    return threading.get_ident()


def aten(name):
    """The primitive operation of this name, with the name of its overload behind a dot where it is not the default."""
    known = ("mul.Tensor", "rand_like", "sin", "exp", "cos")  # no others: some of the table read and write files
    if name not in known:
        raise ValueError(f"{name!r} is none of {', '.join(known)}")
    operation, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, operation), overload or "default")
