"""Load and soak: a lake of factories, gateways and cameras at work on the local cloud while faults strike it.

`python -m harness.soak` is what `make soak` calls. Everything random follows from one seed. The modules:

- `grounds` says what of a lake takes part, and where it is;
- `gateways` and `cameras` send, each journaling what they send;
- `strikes` holds the faults, `plan` says when which of them strikes, `striking` has them strike;
- `reckoning` drains the lake in the end and accounts for every message and every fragment;
- `memory` watches the processes, `run` does one after the other, `summary` is what comes out.
"""
