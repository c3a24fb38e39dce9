"""Where commands end: errors become one line, and results exit codes.

`0` is done, `1` found something wrong, `2` could not begin or had to end, `130` was stopped by Ctrl-C.
Programs that are no part of `factory-lake` (the harness) end the same way with `run_command`.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from botocore.exceptions import BotoCoreError, ClientError

from factory_lake.clients import explained
from factory_lake.errors import FactoryLakeError

DONE, FOUND, FAILED = 0, 1, 2
STOPPED = 130
# What a shell reports of a program that writes into a pipe without a reader.
_PIPE_CLOSED = 141


def run_command(run: Callable[[], int | None], *known: type[Exception]) -> int:
    """Run a command and give its exit code; an error is one line on standard error.

    Args:
        run: The command; what it returns is its exit code, None is 0.
        known: Errors of other packages that the command's user can cause and understand.
    """
    try:
        with _ended_politely():
            code = run() or DONE
            # Here and not at the interpreter's end, where a closed pipe would end in a traceback.
            sys.stdout.flush()
            return code
    except (KeyboardInterrupt, typer.Abort):
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        return _pipe_closed()
    except SystemExit as error:
        # Typer ends so when it meets a closed pipe.
        if isinstance(error.__context__, BrokenPipeError):
            return _pipe_closed()
        raise
    except FactoryLakeError as error:
        return _failed(str(error))
    except known as error:
        return _failed(str(error))
    except (BotoCoreError, ClientError) as error:
        return _failed(str(explained(error)))
    except typer.TyperException as error:
        return _failed(error.format_message())
    except OSError as error:
        if error.filename is None:
            return _failed(f"{type(error).__name__}: {error}")
        return _failed(f"{os.fsdecode(error.filename)}: {error.strerror}")
    except Exception:  # a fault of this program: its place is in the traceback, and 1 would mean a finding
        traceback.print_exc()
        return FAILED


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Unwind on SIGTERM as on Ctrl-C: a CI job that is cancelled stops what it started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _pipe_closed() -> int:
    # The interpreter flushes standard output at its end, which would fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return _PIPE_CLOSED


def _failed(message: str) -> int:
    """Print an error: its details, where it has some, and what it is in one line at the end."""
    first, *details = message.splitlines() or ["unknown"]
    if details:
        print("\n".join(details), file=sys.stderr)
    print(f"error: {first}", file=sys.stderr)
    return FAILED
