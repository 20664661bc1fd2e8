"""The conformance suite for automatic differentiation: what is promised, who is asked, what was seen."""

__version__ = "0.1.0"
