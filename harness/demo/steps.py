"""Progress of a long command: numbered steps with their times, and one clear word when a step fails."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class StepError(Exception):
    """A step could not be done.

    Attributes:
        step: The step's title.
        log: Where its details are, when there is such a file.
    """

    def __init__(self, step: str, reason: str, log: Path | None = None) -> None:
        self.step = step
        self.log = log
        where = f"\n  log: {log}" if log else ""
        super().__init__(f"{step}: {reason}{where}")


@dataclass
class Steps:
    """Prints each step as it begins and ends, and keeps how long it took."""

    total: int
    seconds: dict[str, float] = field(default_factory=dict)
    _number: int = 0

    @contextmanager
    def step(self, key: str, title: str) -> Iterator[None]:
        """One step; time of several steps with the same key adds up.

        Raises:
            StepError: From any exception in the step, with the step's title before the reason.
        """
        self._number += 1
        print(f"[{self._number}/{self.total}] {title} ...", flush=True)
        began = time.monotonic()
        try:
            yield
        except StepError:
            raise
        except Exception as error:
            raise StepError(title, str(error) or type(error).__name__, getattr(error, "log", None)) from error
        finally:
            took = time.monotonic() - began
            self.seconds[key] = self.seconds.get(key, 0.0) + took
        print(f"      done in {took:.1f} s", flush=True)

    @staticmethod
    def note(text: str) -> None:
        """A line within a step."""
        print(f"      {text}", flush=True)
