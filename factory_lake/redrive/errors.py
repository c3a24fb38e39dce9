"""What can go wrong in a redrive.

The tree of errors::

    RedriveError
    ├── DamagedError   something stored is not what its key says; the run goes on with the next object
    ├── BusyError      another run works on the same object, or did a moment ago
    └── SendError      the data stream takes no more; the run ends

Messages name places and rules, never a payload.
"""

from factory_lake.errors import FactoryLakeError


class RedriveError(FactoryLakeError):
    """Base of every error that this package raises on purpose."""


class DamagedError(RedriveError):
    """A stored object cannot be read; its place is bucket and key, and the line where one is at fault."""

    verbs = ()


class BusyError(RedriveError):
    """Another run has its hands on an object."""


class SendError(RedriveError):
    """The data stream does not take records."""
