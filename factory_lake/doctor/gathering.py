"""Questions within a time: what has no answer by then is unknown, and what has no time left is not asked."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from factory_lake.clients import explained
from factory_lake.doctor.model import Unknown
from factory_lake.errors import AwsError, FactoryLakeError

T = TypeVar("T")
#: What a question is told that has no answer in time, asked or not.
TOO_LATE = Unknown("AWS gave no answer in time")
NO_TIME = Unknown("it was not asked, for want of time")

_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "ForbiddenException", "AuthorizationError"}
)


def asked(question: Callable[[], Any]) -> Any:
    """The answer, or why there is none."""
    try:
        return question()
    except ClientError as error:
        if code_of(error) in _DENIED:
            return Unknown(f"{error.operation_name} is not allowed")
        return Unknown(str(explained(error)))
    except BotoCoreError as error:
        return Unknown(str(explained(error)))
    except FactoryLakeError as error:
        return Unknown(str(error))


def code_of(error: ClientError) -> str:
    """AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


class Deadline:
    """When a command must have its answers.

    Args:
        seconds: How long from now.
        clock: Seconds that only go forward.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, or 0."""
        return max(0.0, self._until - self._clock())

    def sooner(self, seconds: float) -> "Deadline":
        """One that leaves so many seconds to what comes after."""
        return Deadline(max(0.0, self.left - seconds), self._clock)


def within(deadline: Deadline, what: str, question: Callable[[], T]) -> T:
    """The answer to a question without which there are no others.

    Args:
        deadline: When it must be there.
        what: What is asked for, in words.
        question: What gives it; its errors are raised here.

    Raises:
        AwsError: When there is none in time.
    """
    answers: list[T] = []
    faults: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(question())
        except Exception as error:  # raised again in the caller's thread
            faults.append(error)

    # A call that hangs must not keep the command from ending.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(deadline.left)
    if faults:
        raise faults[0]
    if not answers:
        raise AwsError(what, f"must be there within {deadline.seconds:.0f} s")
    return answers[0]


def gather(questions: Mapping[str, Callable[[], Any]], deadline: Deadline) -> dict[str, Any]:
    """Ask side by side.

    Args:
        questions: By the name of the fact.
        deadline: How long to wait for all of them.

    Returns:
        The answers by the same names; `Unknown` where there is none in time. An error of this program is raised.
    """
    if not deadline.left:
        return dict.fromkeys(questions, NO_TIME)
    answers: dict[str, Any] = {}
    faults: list[Exception] = []

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            answers[name] = asked(question)
        except Exception as error:  # raised again in the caller's thread
            faults.append(error)

    threads = [threading.Thread(target=ask, args=one, daemon=True) for one in questions.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(deadline.left)
    if faults:
        raise faults[0]
    return {name: answers.get(name, TOO_LATE) for name in questions}
