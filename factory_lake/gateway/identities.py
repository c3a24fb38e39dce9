"""Who speaks on which topic: the names that gateways, Terraform and the topic rules agree on."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from factory_lake.gateway.errors import ConfigurationError

Lane = Literal["measurements", "configuration"]
LANES: tuple[Lane, ...] = get_args(Lane)

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_ID_LENGTH = 32
# A thing's name may be 128 characters long; these are two IDs, a lane and two hyphens.
_CLIENT_ID_LENGTH = 2 * _ID_LENGTH + len("-measurements") + 1


@dataclass(frozen=True, order=True)
class Source:
    """One lane of one gateway: what has a client ID, a topic and a journal of its own."""

    factory: str
    gateway: str  # gateway ID, unique in its factory
    lane: Lane

    def __post_init__(self) -> None:
        check_id("factory", self.factory)
        check_id("gateway", self.gateway)
        parse_lane(self.lane)

    @property
    def client_id(self) -> str:
        """The MQTT client ID, which is also the thing's name."""
        return f"{self.factory}-{self.gateway}-{self.lane}"

    @property
    def topic(self) -> str:
        """The only topic that this identity may publish to."""
        return f"factories/{self.factory}/{self.gateway}/{self.lane}"

    def __str__(self) -> str:
        return f"{self.factory}/{self.gateway}/{self.lane}"


def check_id(what: str, value: object) -> str:
    """Return a factory's or gateway's ID when it is one.

    Raises:
        ConfigurationError: When it is not; `what` says whose ID it is.
    """
    if not isinstance(value, str) or len(value) > _ID_LENGTH or not _ID.fullmatch(value):
        raise ConfigurationError(
            what,
            "must be lower-case letters and digits in words joined by single hyphens, "
            f"at most {_ID_LENGTH} characters",
            value,
        )
    return value


def check_client_id(value: str) -> str:
    """Return a client ID when it could be one of this lake's.

    Raises:
        ConfigurationError: When it does not end in a lane or is no name that Terraform would give.
    """
    head, _, lane = value.rpartition("-")
    if lane not in LANES or len(value) > _CLIENT_ID_LENGTH or not _ID.fullmatch(head) or "-" not in head:
        raise ConfigurationError(
            "client ID", f"must be <factory>-<gateway>-<lane> with lane {' or '.join(LANES)}", value
        )
    return value


def parse_lane(value: object) -> Lane:
    """Return a lane's name when it is one.

    Raises:
        ConfigurationError: When it is not.
    """
    for lane in LANES:
        if value == lane:
            return lane
    raise ConfigurationError("lane", f"must be {' or '.join(LANES)}", value)
