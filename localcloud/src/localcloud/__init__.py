"""AWS on one machine: MiniStack, with what it lacks or gets wrong put right in memory.

``LocalCloud`` starts a cloud, or attaches to one that runs. ``docs/fidelity.md`` says where it differs from AWS.
"""

from localcloud.cloud import FlushError, LocalCloud
from localcloud.processes import StartError

__all__ = ["FlushError", "LocalCloud", "StartError"]
