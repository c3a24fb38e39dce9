"""Load and soak: factories, gateways and cameras at work on the local cloud while faults are injected.

`python -m harness.soak` is what `make soak` calls. Everything random follows from one seed. The modules:

- `gateways` and `cameras` send, each journaling what it sends;
- `faults` holds the types of faults, `plan` says when which is injected, `fault_scheduler` injects them;
- `reconciliation` finds every message again and explains every repeat;
- `memory` watches the processes, `run` does one after the other, `summary` is the result.
"""
