"""Faults of the tape: for every rule of the reference a way to break it, and the area of the suite that must notice.

A fault replaces one text in a copy of the reference engine, by name. Each module here is a concept of the engine with its
table; `fault` says what a fault is, `bench` runs the suite on one. ``python -m tests.faults`` prints the score.
"""
