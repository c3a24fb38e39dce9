"""The resources of a lake by kind, as patterns of ARNs.

Kinds have the names of the Service Authorization Reference (`<service>:<resource type>`), and where a part of
the resources is meant, a name of their own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from factory_lake.errors import OptionError

#: The kind of what takes no resource.
ANY = "*"
#: Kinds and their ARNs. A kind that another one's pattern holds too stands before it.
PATTERNS: Mapping[str, tuple[str, ...]] = {
    ANY: ("*",),
    "athena:workgroup": ("arn:{partition}:athena:{region}:{account}:workgroup/{name}",),
    "cloudwatch:alarm": ("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}-*",),
    "cloudwatch:dashboard": (
        "arn:{partition}:cloudwatch::{account}:dashboard/{name}",
        "arn:{partition}:cloudwatch::{account}:dashboard/{name}-*",
    ),
    "events:rule-on-default-event-bus": ("arn:{partition}:events:{region}:{account}:rule/{name}-*",),
    "firehose:deliverystream": ("arn:{partition}:firehose:{region}:{account}:deliverystream/{name}-*",),
    "glue:rootcatalog": ("arn:{partition}:glue:{region}:{account}:catalog",),
    "glue default database": ("arn:{partition}:glue:{region}:{account}:database/default",),
    "glue:database": ("arn:{partition}:glue:{region}:{account}:database/{database}",),
    "glue:table": ("arn:{partition}:glue:{region}:{account}:table/{database}/*",),
    "glue:userdefinedfunction": ("arn:{partition}:glue:{region}:{account}:userDefinedFunction/{database}/*",),
    "iam:role": ("arn:{partition}:iam::{account}:role{role_path}{name}-*",),
    # AWS IoT gives certificates their IDs.
    "iot:cert": ("arn:{partition}:iot:{region}:{account}:cert/*",),
    # Client IDs name factory, gateway and lane, not the lake.
    "doctor's connection": ("arn:{partition}:iot:{region}:{account}:client/factory-lake-doctor-*",),
    "clients of gateways": (
        "arn:{partition}:iot:{region}:{account}:client/*-configuration",
        "arn:{partition}:iot:{region}:{account}:client/*-measurements",
    ),
    "iot:policy": (
        "arn:{partition}:iot:{region}:{account}:policy/*-configuration",
        "arn:{partition}:iot:{region}:{account}:policy/*-measurements",
    ),
    "iot:rule": ("arn:{partition}:iot:{region}:{account}:rule/{rules}__*",),
    "iot:thing": (
        "arn:{partition}:iot:{region}:{account}:thing/*-configuration",
        "arn:{partition}:iot:{region}:{account}:thing/*-measurements",
    ),
    "presence event filters": ("arn:{partition}:iot:{region}:{account}:topicfilter/$aws/events/presence/*",),
    "presence events": ("arn:{partition}:iot:{region}:{account}:topic/$aws/events/presence/*",),
    "kinesis:stream": ("arn:{partition}:kinesis:{region}:{account}:stream/{name}-*",),
    "kinesisvideo:stream": ("arn:{partition}:kinesisvideo:{region}:{account}:stream/{name}_*/*",),
    "lambda:function": ("arn:{partition}:lambda:{region}:{account}:function:{name}-*",),
    "log of AWS IoT": ("arn:{partition}:logs:{region}:{account}:log-group:AWSIotLogsV2*",),
    "logs:log-stream": (
        "arn:{partition}:logs:{region}:{account}:log-group:/aws/kinesisfirehose/{name}-*:log-stream:*",
        "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{name}-*:log-stream:*",
    ),
    "logs:log-group": (
        "arn:{partition}:logs:{region}:{account}:log-group:/aws/kinesisfirehose/{name}-*",
        "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{name}-*",
    ),
    "query results": ("arn:{partition}:s3:::{name}-{suffix}-measurements/athena-results/*",),
    "redrive records": ("arn:{partition}:s3:::{name}-{suffix}-*/errors-redriven/*",),
    "rows of clips": ("arn:{partition}:s3:::{name}-{suffix}-clips/index/*",),
    "s3:object": ("arn:{partition}:s3:::{name}-{suffix}-*/*",),
    "s3:bucket": ("arn:{partition}:s3:::{name}-{suffix}-*",),
    "sns:topic": ("arn:{partition}:sns:{region}:{account}:{name}-alarms",),
    "ssm:parameter": ("arn:{partition}:ssm:{region}:{account}:parameter/factory-lake/lakes/{name}",),
    "names of lakes": (
        "arn:{partition}:ssm:{region}:{account}:parameter/factory-lake/lakes",
        "arn:{partition}:ssm:{region}:{account}:parameter/factory-lake/lakes/*",
    ),
    "state lock": ("arn:{partition}:s3:::{state_bucket}/{state_key}.tflock",),
    "state": ("arn:{partition}:s3:::{state_bucket}/{state_key}",),
    "state bucket": ("arn:{partition}:s3:::{state_bucket}",),
    # Those of the lake's `kms_keys`.
    "kms:key": (),
    # A stream's encryption is also checked on its key, which may be one that AWS manages.
    "kinesis:kmsKey": ("arn:{partition}:kms:{region}:{account}:key/*",),
}
#: Kinds of which there is nothing without an option.
_OF_STATE = frozenset({"state", "state bucket", "state lock"})

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RULES: Mapping[str, tuple[str, re.Pattern[str], str]] = {
    "name": ("--name", _NAME, "must be a lake's name: lower-case letters and digits in groups joined by -"),
    "suffix": ("--suffix", _NAME, "must be lower-case letters and digits in groups joined by -"),
    "account": ("--account", re.compile(r"\d{12}"), "must be 12 digits"),
    "region": ("--region", re.compile(r"[a-z]{2,}(-[a-z]+)+-\d"), "must be a region such as eu-central-1"),
    "partition": ("--partition", re.compile(r"aws(-[a-z]+)*"), "must be aws, aws-cn or aws-us-gov"),
    "role_path": ("--role-path", re.compile(r"/([!-.0-~]+/)*"), "must begin and end with /"),
    "state_bucket": ("--state-bucket", re.compile(r"[a-z0-9][a-z0-9.-]*"), "must be a bucket's name"),
    "state_key": ("--state-key", re.compile(r"[^*?${}]+"), "must be an object's key"),
}
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+")


@dataclass(frozen=True)
class Names:
    """Where a lake is, and what it is called.

    Attributes:
        name: The lake's name.
        account: ID of its account.
        region: Its region.
        suffix: What makes its bucket names unique; its account without.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
        role_path: Path of its roles.
        state_bucket: The bucket of its Terraform state; empty where the state is elsewhere.
        state_key: The state's key there.
        kms_keys: ARNs of the keys that encrypt its data.

    Raises:
        OptionError: One of them is none.
    """

    name: str
    account: str
    region: str
    suffix: str = ""
    partition: str = "aws"
    role_path: str = "/"
    state_bucket: str = ""
    state_key: str = ""
    kms_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for attribute, (option, pattern, rule) in _RULES.items():
            value = getattr(self, attribute)
            if not pattern.fullmatch(value) and (value or attribute in ("name", "account", "region", "role_path")):
                raise OptionError(option, rule, value)
        if bool(self.state_bucket) != bool(self.state_key):
            raise OptionError("--state-bucket", "must be given with --state-key")
        for key in self.kms_keys:
            if not _KEY_ARN.fullmatch(key):
                raise OptionError("--kms-key", "must be the ARN of a key (not of an alias)", key)

    def arns(self, kind: str) -> list[str]:
        """Patterns of the ARNs that the lake's resources of a kind have; none if it has no such resources."""
        if kind == "kms:key":
            return list(self.kms_keys)
        if kind in _OF_STATE and not self.state_bucket:
            return []
        parts = {
            **vars(self),
            "suffix": self.suffix or self.account,
            "database": self.name.replace("-", "_"),
            "rules": self.name.replace("-", "_"),
        }
        return [pattern.format_map(parts) for pattern in PATTERNS[kind]]
