r"""How what the canary left is told from what a plant sent.

A sample is marked by its tag's name, a configuration message by its only key, which is the first of the line. A
factory, gateway or camera that is called `canary` has nothing of a plant's. The views and the named queries of
`modules/glue_catalog` have the same conditions.
"""

import json
from collections.abc import Iterable, Mapping

from factory_lake.gateway.identities import Lane

#: What the names of the canary's tags begin with, and the key of its configuration.
MARK = "_canary"
#: A factory, gateway or camera of the canary's own.
ID = "canary"

#: Conditions in SQL on rows of the table measurements and of the table configuration.
SAMPLE_OF_A_PLANT = rf"tag_name NOT LIKE '\{MARK}%' ESCAPE '\'"
LINE_OF_A_PLANT = rf"""line NOT LIKE '{{"\{MARK}"%' ESCAPE '\'"""


def is_marked_tag(name: object) -> bool:
    """Whether a tag is the canary's."""
    return isinstance(name, str) and name.strip().startswith(MARK)


def is_marked(lane: Lane, payload: bytes) -> bool:
    """Whether a message, or a line that the transform made of one, is the canary's."""
    if MARK.encode() not in payload:
        return False
    try:
        document: object = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, Mapping):
        return False
    return is_marked_tag(document.get("tagName")) if lane == "measurements" else next(iter(document), None) == MARK


def without_canary(ids: Iterable[str]) -> list[str]:
    """IDs of factories, gateways or cameras that belong to a plant, in order."""
    return sorted(one for one in ids if one != ID)
