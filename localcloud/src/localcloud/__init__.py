"""A local AWS for the lake: MiniStack, with what it lacks or gets wrong added in memory.

``LocalCloud`` starts one, or attaches to one that runs. What it does not share with AWS is on
localcloud/docs/fidelity.md.
"""

from localcloud.cloud import FlushError, LocalCloud
from localcloud.processes import StartError

__all__ = ["FlushError", "LocalCloud", "StartError"]
