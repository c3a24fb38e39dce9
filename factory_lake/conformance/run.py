"""Running probes side by side, and deleting what they made, whatever happens."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from factory_lake.clients import explained
from factory_lake.conformance.context import Context
from factory_lake.conformance.deletion import Leftover, Tell, delete_all, survivors
from factory_lake.conformance.ledger import Entry, Ledger
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe, Stopped
from factory_lake.conformance.report import Outcome, State
from factory_lake.errors import FactoryLakeError

#: A thread that is stopped ends with the call that it has under way.
_STOP_SECONDS = 90.0


def run_probes(
    context: Context,
    probes: Sequence[Probe],
    threads: int,
    log: Path,
    tell: Callable[[int, Outcome], None],
    tell_stopping: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Run probes, so many at a time, and return how each ended, by name.

    When it is interrupted it begins no more, and waits for the calls that are under way.

    Args:
        context: The run.
        probes: What is tried.
        threads: How many at a time.
        log: Gets the tracebacks of probes that failed; it may name the account.
        tell: Gets how many have ended, and each as it ends.
        tell_stopping: Called when the run is interrupted, before it waits.
    """
    log.unlink(missing_ok=True)
    outcomes: list[Outcome] = []
    pool = ThreadPoolExecutor(threads, thread_name_prefix="probe")
    waiting: set[Future[Outcome]] = set()
    try:
        waiting = {pool.submit(_run_one, context, probe, log) for probe in probes}
        while waiting:
            # Not for ever: a wait without an end cannot be interrupted on every platform.
            done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                outcomes.append(future.result())
                tell(len(outcomes), outcomes[-1])
    except KeyboardInterrupt:
        context.stop.set()
        tell_stopping()
        raise
    finally:
        context.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        wait([future for future in waiting if not future.cancelled()], timeout=_STOP_SECONDS)
    return sorted(outcomes, key=lambda outcome: outcome.probe.name)


def delete_run(context: Context, ledger: Ledger, tell: Tell) -> list[Leftover]:
    """Delete what a run made, the newest first, and what a search finds besides; what is left of it."""
    made = ledger.outstanding()
    left = delete_all(context, made[::-1], [ledger], tell)
    known = {one.entry for one in left}
    kinds = {entry.kind for entry in made}
    missed = [entry for entry in survivors(context, kinds, context.prefix) if entry not in known]
    if missed:
        left += delete_all(context, missed, [], tell)
        known = {one.entry for one in left}
        left += [
            Leftover(entry, "deleted, and still listed")
            for entry in survivors(context, {one.kind for one in missed}, context.prefix)
            if entry not in known
        ]
    if not left:
        ledger.close()
    return left


def newest_first(ledgers: Sequence[Ledger]) -> list[Entry]:
    """What several ledgers have, in the order in which it is deleted."""
    return [entry for ledger in ledgers for entry in ledger.outstanding()[::-1]]


def _run_one(context: Context, probe: Probe, log: Path) -> Outcome:
    began = time.monotonic()

    def outcome(state: State, seen: str = "") -> Outcome:
        return Outcome(probe, state, seen, time.monotonic() - began)

    try:
        context.check()
        probe.run(context)
    except Differs as error:
        return outcome("differs", error.seen)
    except CouldNotTell as error:
        return outcome("could not tell", error.why)
    except Stopped:
        return outcome("could not tell", "the run was stopped")
    except (ClientError, BotoCoreError) as error:
        return outcome("could not tell", str(explained(error)))
    except FactoryLakeError as error:
        return outcome("could not tell", str(error))
    except Exception as error:  # a fault of the probe is no finding about AWS
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{probe.name}\n{traceback.format_exc()}\n")
        return outcome("could not tell", f"the probe failed, {type(error).__name__}: {error}")
    return outcome("held")
