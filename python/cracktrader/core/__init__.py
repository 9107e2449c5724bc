"""The reference core: one single-threaded, deterministic state machine. It is the specification of the Rust core.

Nothing here reads a clock, a file, a socket or an environment variable. Files are listed in dependency order in
ARCHITECTURE.md; each has a twin of the same name in crates/core/src.
"""
