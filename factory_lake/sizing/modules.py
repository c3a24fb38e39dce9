"""How many alarms, roles and rules a factory has, counted in the text of the modules that make them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from factory_lake.module_interface import REPOSITORY
from factory_lake.sizing.plant import LANES, Factory

_MEANINGS = re.compile(r"^  alarm_descriptions = \{\n(.*?)^  \}", re.MULTILINE | re.DOTALL)
_MEANING = re.compile(r"^    ([a-z-]+) += ", re.MULTILINE)
#: A lane's alarm that only one lane has, and one that is a Metrics Insights query.
_OF_ONE_LANE = re.compile(r"^        ([a-z-]+) += lane != \"\w+\" \? null :", re.MULTILINE)
_INSIGHT = re.compile(r"^        ([a-z-]+) += \{\s+expression = local\.rule_actions\[", re.MULTILINE)
_OF_CAMERA = re.compile(r"^        \"\$\{id\}-([a-z-]+)\" = ", re.MULTILINE)
_OF_SCHEDULE = re.compile(r"^        \"\$\{rule\}-([a-z-]+)\" = (length\(local\.rules\) == 1 \? null)?", re.MULTILINE)
_TARGETS_PER_RULE = re.compile(r"^  targets_per_rule = (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Alarms:
    """Alarms of one factory.

    Attributes:
        lanes: Of both lanes together.
        insights: As many of those as are Metrics Insights queries.
        video: Of the archiver, whatever it archives.
        camera: Of each camera.
        schedule: Of each schedule rule.
        schedules: Besides, of each schedule rule where there are several.
    """

    lanes: int
    insights: int
    video: int
    camera: int
    schedule: int
    schedules: int

    def of(self, factory: Factory) -> int:
        """All alarms of a factory, none of them disabled."""
        if factory.video is None:
            return self.lanes
        rules = schedule_rules(factory)
        a_rule = self.schedule + (self.schedules if rules > 1 else 0)
        return self.lanes + self.video + factory.video.cameras * self.camera + rules * a_rule


@cache
def alarms(repository: Path = REPOSITORY) -> Alarms:
    """What the modules' `alarms.tf` make.

    Raises:
        ValueError: A file is written in another way than this reads.
    """
    messages, video = (_text(module, "alarms.tf", repository) for module in ("factory_pipeline", "video_archiver"))
    of_lane, of_video = _meanings(messages), _meanings(video)
    of_one, insights = (set(pattern.findall(messages)) for pattern in (_OF_ONE_LANE, _INSIGHT))
    of_camera = set(_OF_CAMERA.findall(video))
    of_schedule = {name: bool(condition) for name, condition in _OF_SCHEDULE.findall(video)}
    named = of_one | insights | of_camera | of_schedule.keys()
    if strangers := named - of_lane - of_video or not (insights and of_camera and of_schedule):
        raise ValueError(f"modules/*/alarms.tf cannot be read: {strangers}")
    return Alarms(
        lanes=len(LANES) * len(of_lane) - (len(LANES) - 1) * len(of_one),
        insights=len(LANES) * len(insights),
        video=len(of_video - of_camera - of_schedule.keys()),
        camera=len(of_camera),
        schedule=sum(not several for several in of_schedule.values()),
        schedules=sum(of_schedule.values()),
    )


def schedule_rules(factory: Factory, repository: Path = REPOSITORY) -> int:
    """EventBridge rules of a factory: one starts several of the archiver's shards."""
    if factory.video is None:
        return 0
    found = _TARGETS_PER_RULE.search(_text("video_archiver", "clip_fetch.tf", repository))
    if found is None:
        raise ValueError("modules/video_archiver/clip_fetch.tf has no targets_per_rule")
    return -(-max(1, int(factory.video.settings["shards"])) // int(found[1]))


def roles(factory: Factory, repository: Path = REPOSITORY) -> int:
    """IAM roles of a factory: some of each lane, one of the archiver."""
    of_video = 0 if factory.video is None else _blocks("video_archiver", "aws_iam_role", repository)
    return len(LANES) * _blocks("factory_pipeline", "aws_iam_role", repository) + of_video


def topic_rules(repository: Path = REPOSITORY) -> int:
    """Topic rules of a factory."""
    return len(LANES) * _blocks("factory_pipeline", "aws_iot_topic_rule", repository)


@cache
def _blocks(module: str, kind: str, repository: Path) -> int:
    files = (repository / "modules" / module).glob("*.tf")
    return sum(
        len(re.findall(rf'^resource "{kind}" ', each.read_text(encoding="utf-8"), re.MULTILINE)) for each in files
    )


@cache
def _text(module: str, name: str, repository: Path) -> str:
    return (repository / "modules" / module / name).read_text(encoding="utf-8")


def _meanings(text: str) -> set[str]:
    found = _MEANINGS.search(text)
    if found is None:
        raise ValueError("an alarms.tf has no alarm_descriptions")
    return set(_MEANING.findall(found[1]))
