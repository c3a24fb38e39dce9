"""What can go wrong in a command, and how it is reported.

Every error that the package raises on purpose is a `FactoryLakeError`, so that a command ends in one line::

    FactoryLakeError
    |-- LakeError           what `--lake` names cannot be read, or lacks something
    |-- AwsError            AWS, or a local lake, refuses a call or does not answer
    |-- OptionError         options that do not go together
    |-- GatewayError        see factory_lake.gateway.errors
    |-- StoredError         an object of the lake is not what its key says
    |-- RedriveError        see factory_lake.redrive.errors
    |-- QueryError          Athena has no such query, or no answer
    |-- CoverageError       a range cannot be told
    |-- ClipError           a clip or a frame is not there, or a file is no video
    |-- SizingError         a plant's or prices' file is not as it must be
    |-- SchemaFileError     released schema files cannot be read
    '-- ModuleInterfaceError  a Terraform module lacks what the package reads of it
"""

from typing import ClassVar


class FactoryLakeError(Exception):
    """Base of every error that a command reports in one line.

    Attributes:
        place: The file and line, option, resource or variable that is at fault.
        rule: What must hold there.
        value: What is there instead; None where it says nothing, or must not be shown.
    """

    #: Words that continue a sentence which begins with the place.
    verbs: ClassVar[tuple[str, ...]] = ("must ", "has ", "is ", "exists ", "cannot ", "goes ")

    def __init__(self, place: object, rule: str, value: object = None) -> None:
        self.place = str(place)
        self.rule = rule
        self.value = value
        said = f"{place} {rule}" if rule.startswith(self.verbs) else f"{place}: {rule}"
        super().__init__(said if value is None else f"{said}, got {value!r}")


class LakeError(FactoryLakeError):
    """What `--lake` names cannot be read, or lacks something."""


class AwsError(FactoryLakeError):
    """AWS, or a local lake, refuses a call or does not answer."""


class OptionError(FactoryLakeError):
    """Options that do not go together."""
