"""The process that holds an engine. Needs nothing but the standard library, the adapter and its engine.

`host` runs programs on the engine and says what they showed, `state` watches what a program must leave as it found it,
`loading` imports adapters, `wire` writes observations as JSON, `limits` keeps the process within its bounds, `serve` speaks
the protocol. Without processes (``--isolate none``) the harness uses `host` directly.
"""
