"""Settings of a lake's Lambda functions, changed while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from localcloud import LocalCloud


@contextmanager
def function_environment(cloud: LocalCloud, function: str, **changes: str) -> Iterator[None]:
    """Change environment variables of a function, and change them back at the end."""
    before = change_environment(cloud, function, changes)
    try:
        yield
    finally:
        change_environment(cloud, function, before)


def change_environment(cloud: LocalCloud, function: str, changes: dict[str, str]) -> dict[str, str]:
    """Change environment variables of a function, and return all that it had."""
    functions = cloud.client("lambda")
    before: dict[str, str] = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": {**before, **changes}})
    return before
