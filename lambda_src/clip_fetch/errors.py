"""What can go wrong, and which of it is transient.

::

    ClipFetchError
    ├── DeadlineExceededError      the run's deadline nears; what is left waits for the next run
    ├── StaleStateError            another run archived first, or footage expired: read the archive again
    ├── InvalidMediaError          the answer is not the requested media; carries the reason
    ├── FragmentUnavailableError   no call returns fragments that are listed; carries the reason
    └── CameraError                this camera cannot go on in this run, the others do; carries a code

A setting that breaks its rule is a ``lambda_common.settings.SettingsError``.
"""

from __future__ import annotations

from typing import Any


class ClipFetchError(Exception):
    """Base of everything that this function raises itself."""


class DeadlineExceededError(ClipFetchError):
    """There is no time left to finish what would come next."""


class StaleStateError(ClipFetchError):
    """What this run knew of the archive or of the stream no longer holds."""


class InvalidMediaError(ClipFetchError):
    """A download is complete but is not a clip of the requested fragments."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FragmentUnavailableError(ClipFetchError):
    """Fragments are listed, but neither as a clip nor raw does any call return them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def is_final(self) -> bool:
        """Whether the service says that they do not exist; anything else may pass."""
        return self.reason in (FRAGMENT_NOT_FOUND, "ResourceNotFoundException")


class CameraError(ClipFetchError):
    """One camera cannot be archived further in this run."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


#: GetClip's four refusals that speak of the media, not of the request (API model, GetClip).
MEDIA_CODES = frozenset(
    {
        "InvalidCodecPrivateDataException",
        "InvalidMediaFrameException",
        "MissingCodecPrivateDataException",
        "UnsupportedStreamMediaTypeException",
    }
)

#: The exception tag's code for a fragment that is not there (developer guide, "Identify the error code at the
#: fragment level" of GetMediaForFragmentList). Others tell of keys and of the service, and may pass.
FRAGMENT_NOT_FOUND = "exception 4000"

#: What a range answers whose fragments are gone: nothing in it (404), or before the retention period (400).
GONE_CODES = frozenset({"ResourceNotFoundException", "InvalidArgumentException"})

#: Codes of failures after which the same call may succeed.
_TRANSIENT_CODES = frozenset(
    {
        *("ClientLimitExceededException", "ConditionalRequestConflict", "InternalError", "InternalFailure"),
        *("InternalServerError", "OperationAborted", "RequestLimitExceeded", "RequestTimeout"),
        *("RequestTimeTooSkewed", "ServiceUnavailable", "ServiceUnavailableException", "SlowDown"),
        *("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"),
    }
)

#: Classes of botocore and urllib3, by name: importing them here would cost start-up time and tie the code to
#: a version, and their trees moved more than once.
_TRANSIENT_CLASSES = frozenset(
    {
        *("ConnectionClosedError", "ConnectionError", "HTTPClientError", "HTTPError", "IncompleteReadError"),
        *("OSError", "ReadTimeoutError", "ResponseStreamingError"),
    }
)


def code_of(error: BaseException) -> str:
    """Return the code of a ``ClientError`` or ``CameraError``, the class name of anything else."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code = response.get("Error", {}).get("Code")
        if code:
            return str(code)
    return error.code if isinstance(error, CameraError) else type(error).__name__


def status_of(error: BaseException) -> int:
    """Return the HTTP status of a ``ClientError``, 0 of anything else."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return 0
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same call may succeed a moment later."""
    if isinstance(error, ClipFetchError):
        return False
    if isinstance(getattr(error, "response", None), dict):
        return code_of(error) in _TRANSIENT_CODES or status_of(error) >= 500
    names: tuple[str, ...] = tuple(cls.__name__ for cls in type(error).__mro__)
    return any(name in _TRANSIENT_CLASSES for name in names)
