"""Derivative tables: one row per operation -> values, gradients and higher derivatives at many inputs, as ordinary specs.

``rows`` says what a row may say, ``drawing`` makes its inputs, ``numbers`` evaluates its formulas, ``aspects`` writes the
programs, ``expand`` joins them to specs, and ``oracles`` confronts a table's formulas with finite differences.
"""
