"""How many alarms, roles and rules the modules make for a factory; a test compares the numbers with a plan."""

import math

from factory_lake.sizing.plant import Factory

#: Alarms of both lanes together, and as many of them as are Metrics Insights queries.
LANE_ALARMS, INSIGHT_ALARMS = 37, 6
#: Alarms of an archiver, of each of its cameras and of each schedule rule: of the only one, of one of several.
ARCHIVER_ALARMS, CAMERA_ALARMS, ONLY_RULE_ALARMS, RULE_ALARMS = 7, 2, 1, 2
LANES_ROLES, ARCHIVER_ROLES = 6, 1
TOPIC_RULES = 2
#: An EventBridge rule starts so many of the archiver's shards at most.
TARGETS_PER_RULE = 5


def alarms(factory: Factory) -> int:
    """All alarms of a factory, none of them disabled."""
    if factory.video is None:
        return LANE_ALARMS
    rules = schedule_rules(factory)
    of_rules = rules * (ONLY_RULE_ALARMS if rules == 1 else RULE_ALARMS)
    return LANE_ALARMS + ARCHIVER_ALARMS + factory.video.cameras * CAMERA_ALARMS + of_rules


def schedule_rules(factory: Factory) -> int:
    """EventBridge rules of a factory."""
    if factory.video is None:
        return 0
    return math.ceil(max(1, int(factory.video.settings["shards"])) / TARGETS_PER_RULE)


def roles(factory: Factory) -> int:
    """IAM roles of a factory: some of each lane, one of the archiver."""
    return LANES_ROLES if factory.video is None else LANES_ROLES + ARCHIVER_ROLES
