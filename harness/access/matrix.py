"""Makes every call with every role's session, and compares the verdicts with the table.

How a verdict is reached: AWS answers a caller whose policies do not allow a call with an error of its
access-denied family, before it looks at the arguments. Every other answer, an error too, comes from the
operation itself, so the call was allowed. A denial also says which action was missing. If that is not the
action that the probe is about, nothing was learnt, and that is an error of the probe.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from botocore.exceptions import ClientError

from factory_lake.gateway.identities import LANES
from harness.access.clients import Clients
from harness.access.places import NAME, SCOPES, LakeUnderTest, Places, Target, places
from harness.access.principals import KINDS, WITHOUT_LANE, Principal, principals, session
from harness.access.probes import PROBES, Probe

EXPECTED = Path(__file__).with_name("expected.toml")

_DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "ForbiddenException",
        "NotAuthorizedException",
    }
)

Cell: TypeAlias = tuple[str, str, str, str, str]
"""Kind of role, lane (empty for a role that has none), action, kind of resource, scope."""


class ProbeError(Exception):
    """A probe that says nothing: its denial was for another action, or it never reached the service."""


@dataclass(frozen=True)
class Permission:
    """One line of the table.

    Attributes:
        role: Kind of the role.
        lane: The lane whose role alone has it; empty for both.
        action: IAM action.
        on: Kind of resource.
        of: Scopes.
        why: What it is for, where the action does not say it.
    """

    role: str
    lane: str
    action: str
    on: str
    of: tuple[str, ...]
    why: str = ""


def expected(path: Path = EXPECTED) -> list[Permission]:
    """The table.

    Raises:
        ValueError: A line names what does not exist.
    """
    known = {(probe.action, probe.on) for probe in PROBES}
    lines = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["allowed"]:
        for action in entry["actions"]:
            line = Permission(
                entry["role"], entry.get("lane", ""), action, entry["on"], tuple(entry["of"]), entry.get("why", "")
            )
            if line.role not in KINDS or line.lane not in ("", *LANES) or not set(line.of) <= set(SCOPES):
                raise ValueError(f"{path.name}: role, lane or scope is unknown in {line}")
            if (line.action, line.on) not in known:
                raise ValueError(f"{path.name}: no probe tries {line.action} on {line.on}")
            lines.append(line)
    return lines


def expected_cells(lines: Sequence[Permission]) -> set[Cell]:
    """The cells in which the table allows something; all others are denied."""
    return {
        (line.role, lane, line.action, line.on, scope)
        for line in lines
        for lane in ([""] if line.role in WITHOUT_LANE else [line.lane] if line.lane else LANES)
        for scope in line.of
    }


def tried(lake: LakeUnderTest, factory: str, foreign: str) -> dict[Cell, bool]:
    """Every cell of the table with its verdict: whether the call is allowed.

    Raises:
        ProbeError: A call's answer is no verdict, or targets of one cell differ.
    """
    verdicts: dict[Cell, bool] = {}
    clients = Clients(lake.cloud)
    for principal in principals(lake.outputs, lake.cloud, lake.root.of("iot"), factory):
        clients.become(session(lake.cloud, principal))
        caller = _Caller(lake, principal, clients)
        for probe, scope, targets in _cells(places(lake, principal, foreign)):
            answers = {caller.may(probe, target) for target in targets}
            if len(answers) != 1:
                raise ProbeError(f"{principal}: {probe.action} on {probe.on} ({scope}): not one verdict for {targets}")
            cell = (principal.kind, principal.lane or "", probe.action, probe.on, scope)
            verdict = answers.pop()
            if verdicts.setdefault(cell, verdict) != verdict:
                raise ProbeError(f"{principal}: {probe.action} on {probe.on} ({scope}): two calls, two verdicts")
    return verdicts


def _cells(found: Places) -> Iterator[tuple[Probe, str, list[Target]]]:
    for probe in PROBES:
        for scope, targets in found[probe.on].items():
            if targets:
                yield probe, scope, targets


class _Caller:
    """A role that makes calls."""

    def __init__(self, lake: LakeUnderTest, principal: Principal, clients: Clients) -> None:
        self._lake = lake
        self._principal = principal
        self._clients = clients

    def may(self, probe: Probe, target: Target) -> bool:
        """Whether the call is allowed; what it needs is put there, and what it leaves behind is taken away."""
        client = self._clients.of(probe.service)
        prepare, clean = _PREPARING.get(probe.action), _CLEANING.get(probe.action)
        if prepare is not None:
            prepare(self._lake, target)
        try:
            getattr(client, probe.operation)(**probe.arguments_for(target))
            allowed = True
        except ClientError as error:
            allowed = not self._is_denial(probe, error)
        if clean is not None and (allowed or prepare is not None):
            with suppress(ClientError):
                clean(self._lake, target)
        return allowed

    def _is_denial(self, probe: Probe, error: ClientError) -> bool:
        code, message = error.response["Error"]["Code"], str(error.response["Error"].get("Message", ""))
        if code not in _DENIED:
            return False
        missing = re.search(r"not authorized to perform: (\S+)", message)
        if probe.says_why and (missing is None or missing[1] != probe.action):
            raise ProbeError(f"{self._principal}: {probe.action} on {probe.on} was refused otherwise: {message}")
        return True


def _put_object(lake: LakeUnderTest, target: Target) -> None:
    lake.root.of("s3").put_object(Bucket=target["bucket"], Key=target["key"], Body=b"")


def _delete_object(lake: LakeUnderTest, target: Target) -> None:
    s3 = lake.root.of("s3")
    versions = s3.list_object_versions(Bucket=target["bucket"], Prefix=target["key"])
    for version in (*versions.get("Versions", ()), *versions.get("DeleteMarkers", ())):
        s3.delete_object(Bucket=target["bucket"], Key=version["Key"], VersionId=version["VersionId"])


def _delete_log_stream(lake: LakeUnderTest, target: Target) -> None:
    lake.root.of("logs").delete_log_stream(logGroupName=target["group"], logStreamName=NAME)


# Of an object that is not there, S3 says the same to who may not read it and to who may not list.
_PREPARING: Mapping[str, Callable[[LakeUnderTest, Target], None]] = {"s3:GetObject": _put_object}
_CLEANING: Mapping[str, Callable[[LakeUnderTest, Target], None]] = {
    "s3:GetObject": _delete_object,
    "s3:PutObject": _delete_object,
    "s3:DeleteObject": _delete_object,
    "logs:CreateLogStream": _delete_log_stream,
}


def differences(table: set[Cell], verdicts: Mapping[Cell, bool]) -> list[str]:
    """In words, each cell in which the lake does not do what the table says."""
    found = {cell for cell, allowed in verdicts.items() if allowed}
    return [
        *(f"allowed, and the table does not allow it: {_words(cell)}" for cell in sorted(found - table)),
        *(f"denied, and the table allows it: {_words(cell)}" for cell in sorted(table & verdicts.keys() - found)),
        *(f"in the table, and never tried: {_words(cell)}" for cell in sorted(table - verdicts.keys())),
    ]


def _words(cell: Cell) -> str:
    kind, lane, action, on, scope = cell
    return f"{kind}{f' of {lane}' if lane else ''}: {action} on {on} ({scope})"
