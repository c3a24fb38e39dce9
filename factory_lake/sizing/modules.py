"""How many alarms, roles, rules and delivery streams the modules make for a factory.

A test compares the numbers with a plan.
"""

import math

from factory_lake.sizing.plant import Factory

#: Alarms of both lanes together, and as many of them as are Metrics Insights queries.
LANE_ALARMS, INSIGHT_ALARMS = 37, 6
#: Alarms of an archiver, of each of its cameras and of each schedule rule: of the only one, of one of several.
ARCHIVER_ALARMS, CAMERA_ALARMS, ONLY_RULE_ALARMS, RULE_ALARMS = 7, 2, 1, 2
LANES_ROLES, ARCHIVER_ROLES = 6, 1
#: Of the factory's lanes, and of each gateway's two client IDs.
LANE_RULES, GATEWAY_RULES = 2, 2
#: What watches, delivers and forwards the gateways' connections; an object is written after so many seconds.
CONNECTIONS_ALARMS, CONNECTIONS_ROLES, CONNECTIONS_STREAMS, CONNECTIONS_SECONDS = 1, 2, 1, 900
#: An EventBridge rule starts so many of the archiver's shards at most.
TARGETS_PER_RULE = 5


def alarms(factory: Factory) -> int:
    """All alarms of a factory, none of them disabled."""
    messages = LANE_ALARMS + CONNECTIONS_ALARMS
    if factory.video is None:
        return messages
    rules = schedule_rules(factory)
    of_rules = rules * (ONLY_RULE_ALARMS if rules == 1 else RULE_ALARMS)
    return messages + ARCHIVER_ALARMS + factory.video.cameras * CAMERA_ALARMS + of_rules


def schedule_rules(factory: Factory) -> int:
    """EventBridge rules of a factory."""
    if factory.video is None:
        return 0
    return math.ceil(max(1, int(factory.video.settings["shards"])) / TARGETS_PER_RULE)


def roles(factory: Factory) -> int:
    """IAM roles of a factory: some of each lane and of connections, one of the archiver."""
    return LANES_ROLES + CONNECTIONS_ROLES + (0 if factory.video is None else ARCHIVER_ROLES)


def topic_rules(factory: Factory) -> int:
    """Topic rules of a factory: one a lane, and one for the connections of each client ID."""
    return LANE_RULES + GATEWAY_RULES * factory.measurements.gateways


def delivery_streams(factory: Factory) -> int:
    """Delivery streams of a factory: one a lane, and that of connections."""
    return len(factory.lanes) + CONNECTIONS_STREAMS
