"""Several questions at once, within a time: what has no answer by then is unknown."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from factory_lake.clients import explained
from factory_lake.doctor.model import Unknown
from factory_lake.errors import FactoryLakeError

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


def gather(questions: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """Ask side by side.

    Args:
        questions: By the name of the fact.
        seconds: How long to wait for all of them.

    Returns:
        The answers by the same names; `Unknown` where there is none in time. An error of this program is raised.
    """
    answers: dict[str, Any] = {}
    faults: list[Exception] = []

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            answers[name] = asked(question)
        except Exception as error:  # raised again in the caller's thread
            faults.append(error)

    # A call that hangs must not keep the command from ending.
    threads = [threading.Thread(target=ask, args=one, daemon=True) for one in questions.items()]
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    if faults:
        raise faults[0]
    late = Unknown(f"AWS gave no answer within {seconds:.0f} s")
    return {name: answers.get(name, late) for name in questions}
