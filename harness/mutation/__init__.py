"""Mutation: an engine's derivative rules are broken one by one, and the suite must notice.

source.py, sites.py     the engine's text -> its functions, their expressions, what each operator makes of them
operators.py, names.py  the operators: how a rule may be wrong, and why real ones are
conditions.py           faults that show for some inputs only
planting.py             a changed text into an engine that runs
bench.py, forks.py      the suite on a faulty engine, in a process that leaves nothing behind
reach.py, hunt.py       which cases come to which expression; every mutant against those
equivalent.py           mutants that change nothing that can be seen, each with its reason
record.py               what is written down, and counted
checks.py               every check of every spec, spoilt: the judge must say no
"""
