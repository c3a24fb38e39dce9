"""A lake that is applied, planned, changed and destroyed as roles that have policies of their own.

It has every kind of resource, and the changes make the provider update each in every way that it has. The state
is in a bucket, as that of the environments on AWS.
"""

from __future__ import annotations

import copy
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from factory_lake.gateway.csr import csr_path, make_csr
from factory_lake.gateway.identities import LANES
from factory_lake.policy.resources import Names
from harness.lake import Provider
from harness.lake.local import ENVIRONMENT, LAMBDA_PYTHONS
from harness.lake.roots import alarm_names, make_root, write_calls
from harness.lake.terraform import Terraform
from localcloud import LocalCloud
from scripts.package import PACKAGES

NAME = "factory-lake-local"
STATE_BUCKET, STATE_KEY = "terraform-states", "factory-lake/local/terraform.tfstate"
ANYTHING: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
STORES = ("buckets", "streams", "video", "logs", "functions")
_FACTORY, _GATEWAY = "genoa", "crane"
#: One alarm of each module shows what alarms need; all of them are half of a factory's resources.
_FEW_ALARMS = {
    "messages": {"disabled": [name for name in alarm_names("factory_pipeline") if name != "rejected"]},
    "video": {"disabled": [name for name in alarm_names("video_archiver") if name != "cameras-failed"]},
}
_SHORT_CLIPS = {"clip_seconds": 10, "settle_seconds": 3, "quiet_seconds": 15}
#: What only a release changes in place: file, text, and what it becomes.
_EDITS = (
    ("factory_pipeline/topic_rules.tf", "into their data stream.", "into one data stream."),
    ("factory_pipeline/topic_rules.tf", '"Topic rule of', '"The topic rule of'),
    (
        "factory_pipeline/transform.tf",
        '{ StringEquals = { "aws:SourceAccount"',
        '{ StringLike = { "aws:SourceAccount"',
    ),
    ("factory_pipeline/gateways.tf", '= "iot:Connect"', '= ["iot:Connect", "iot:RetainPublish"]'),
    ("glue_catalog/database.tf", "of all factories", "of every factory"),
)
#: Versions that an IoT policy may have (AWS IoT Core quotas).
_POLICY_VERSIONS = 5


@dataclass(frozen=True)
class Actor:
    """Who calls AWS: a session of a role, or a user, with policies of their own.

    Attributes:
        cloud: Where.
        name: Name of the role or user.
        credentials: Shaped as STS's `Credentials`; a user's have no token.
    """

    cloud: LocalCloud
    name: str
    credentials: Mapping[str, str]

    @classmethod
    def role(cls, cloud: LocalCloud, name: str, policies: Sequence[Mapping[str, Any]]) -> Self:
        """Make a role with managed policies, and assume it."""
        iam, account = cloud.client("iam"), f"arn:aws:iam::{cloud.account_id}:root"
        trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        for arn in _managed(iam, name, policies):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        session = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName=name)
        return cls(cloud, name, session["Credentials"])

    @classmethod
    def user(cls, cloud: LocalCloud, name: str, policies: Sequence[Mapping[str, Any]]) -> Self:
        """Make a user with managed policies, and an access key of theirs."""
        iam = cloud.client("iam")
        iam.create_user(UserName=name)
        for arn in _managed(iam, name, policies):
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        return cls(cloud, name, iam.create_access_key(UserName=name)["AccessKey"])

    @property
    def environment(self) -> dict[str, str]:
        """What Terraform sees when it acts as this role."""
        return {
            **self.cloud.environment(),
            "AWS_ACCESS_KEY_ID": self.credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": self.credentials["SessionToken"],
        }

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        """Take an action away from the role for a while."""
        iam = self.cloud.client("iam")
        statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=self.name, PolicyName="without", PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=self.name, PolicyName="without")

    def record(self) -> None:
        """Record from now on what it is allowed to do."""
        self.cloud.control("POST", "authorizations", {"access_key_id": self.credentials["AccessKeyId"]})

    def recorded(self) -> set[tuple[str, str]]:
        """End the recording, and return the actions with the ARNs that they were allowed on."""
        given = {"access_key_id": self.credentials["AccessKeyId"]}
        answer = self.cloud.control("DELETE", "authorizations", given)
        return {(action, arn) for action, arn in answer["authorizations"]}


def _key_policy(cloud: LocalCloud) -> str:
    """One that leaves it to IAM who may use a key, and lets CloudWatch Logs encrypt."""
    statements = [
        {"Principal": {"AWS": f"arn:aws:iam::{cloud.account_id}:root"}, "Action": "kms:*"},
        {
            "Principal": {"Service": f"logs.{cloud.region}.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        },
    ]
    allowed = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def _managed(iam: Any, name: str, policies: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Make managed policies; their ARNs."""
    for number, policy in enumerate(policies, start=1):
        made = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=json.dumps(policy))
        yield made["Policy"]["Arn"]


@dataclass
class Rehearsal:
    """An empty local cloud with a bucket for the state and keys, and what is applied to it.

    Attributes:
        folder: Everything of it.
        cloud: The local cloud.
        keys: ARNs of the keys, by the name that `kms_keys` has for them.
        root: The root module.
        boundary: ARN of the permissions boundary that the lake's roles have.
    """

    folder: Path
    cloud: LocalCloud
    keys: Mapping[str, str]
    root: Path
    boundary: str
    _lake: dict[str, Any] = field(default_factory=dict)
    _providers: list[Provider] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start it; nothing is applied yet.

        Args:
            folder: An empty folder.

        Raises:
            StartError: When the cloud does not come up.
        """
        cloud = LocalCloud.start(folder / "cloud", pythons=LAMBDA_PYTHONS)
        where = {"LocationConstraint": cloud.region}
        cloud.client("s3").create_bucket(Bucket=STATE_BUCKET, CreateBucketConfiguration=where)
        kms, policy = cloud.client("kms"), _key_policy(cloud)
        keys = {store: kms.create_key(Policy=policy)["KeyMetadata"]["Arn"] for store in STORES}
        root = make_root(folder / "root", {})
        boundary = cloud.client("iam").create_policy(PolicyName="workloads", PolicyDocument=json.dumps(ANYTHING))
        shutil.copy(ENVIRONMENT / "outputs.tf", root)
        versions = root / "versions.tf"
        versions.write_text(
            versions.read_text(encoding="utf-8").replace('backend "local" {}', 'backend "s3" {}'), encoding="utf-8"
        )
        rehearsal = cls(folder, cloud, keys, root, boundary["Policy"]["Arn"])
        rehearsal._lake = rehearsal._first()
        rehearsal._write()
        return rehearsal

    def stop(self) -> None:
        """Stop the cloud, and the actors' providers."""
        for provider in self._providers:
            provider.stop()
        self.cloud.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def names(self) -> Names:
        """The lake, as policies are made for it."""
        return Names(
            NAME,
            self.cloud.account_id,
            self.cloud.region,
            state_bucket=STATE_BUCKET,
            state_key=STATE_KEY,
            kms_keys=tuple(self.keys.values()),
        )

    @property
    def state(self) -> dict[str, Any]:
        """The state as it is in its bucket."""
        stored = self.cloud.client("s3").get_object(Bucket=STATE_BUCKET, Key=STATE_KEY)
        state: dict[str, Any] = json.load(stored["Body"])
        return state

    def terraform(self, actor: Actor) -> Terraform:
        """The root module, initialised, acting as a role by a provider that has its credentials.

        Raises:
            TerraformError: When the role may not read the state, for one.
        """
        backend = {
            "bucket": STATE_BUCKET,
            "key": STATE_KEY,
            "region": self.cloud.region,
            "encrypt": "true",
            "use_lockfile": "true",
            "use_path_style": "true",
        }
        terraform = Terraform(self.root, self.folder / actor.name, actor.environment, backend)
        terraform.init()
        provider = terraform.start_provider()
        self._providers.append(provider)
        return terraform.with_provider(provider)

    def change(self) -> None:
        """Configure other settings (keys, sizes, schedules, code, tags, a factory) of another release."""
        self._request(_FACTORY, _GATEWAY, "second")
        csr_path(self._requests, f"{_FACTORY}-{_GATEWAY}-configuration", "first").unlink()
        self._request("lyon", "press-shop", "first")
        provider = self.root / "provider.tf"
        tags = provider.read_text(encoding="utf-8").replace(f'lake = "{NAME}"', 'owner = "platform"')
        provider.write_text(tags, encoding="utf-8")
        self._release()
        lake = copy.deepcopy(self._lake)
        lake |= {
            "kms_keys": {store: key for store, key in self.keys.items() if store != "video"},
            "packages_dir": str(self._other_packages()),
            "log_retention_days": 30,
            "runbook_base_url": "https://git.example.com/runbook",
            "athena": {"scan_limit_bytes": 20_000_000_000},
            "storage": {"buckets": {"measurements": {"expire_data_after_days": 400}}},
            "alarm_topic": {"emails": ["shift@example.com"], "kms_key_arn": self.keys["buckets"]},
        }
        lake["factories"] = {
            _FACTORY: {
                "gateways": [_GATEWAY],
                "cameras": {"gate": {"media_type": "video/h265"}},
                "video": {**_SHORT_CLIPS, "schedule": "rate(10 minutes)", "retries": 1},
                "alarms": _FEW_ALARMS,
                "lanes": {
                    "measurements": {
                        "stream": {"shards": 2, "retention_hours": 96},
                        "delivery": {"buffer_seconds": 120},
                        "transform": {"blank_strings": "null"},
                    },
                    "configuration": {"stream": {"shards": 2}},
                },
            },
            "lyon": {"gateways": ["press-shop"], "alarms": _FEW_ALARMS},
        }
        self._lake = lake
        self._write()

    def change_back(self) -> None:
        """Configure no keys any more, and take the other factory out of service."""
        shutil.rmtree(self._requests)
        self._request(_FACTORY, _GATEWAY, "third")
        lake = {**self._lake, "kms_keys": {}, "retired_factories": ["lyon"]}
        lake["factories"] = {_FACTORY: self._lake["factories"][_FACTORY]}
        self._lake = lake
        self._write()

    def store_objects(self) -> None:
        """Leave objects, versions and deletion markers in every bucket of the lake."""
        s3 = self.cloud.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            if bucket["Name"].startswith(NAME):
                for _ in range(2):
                    s3.put_object(Bucket=bucket["Name"], Key="object", Body=b"")
                s3.delete_object(Bucket=bucket["Name"], Key="object")

    @property
    def _requests(self) -> Path:
        return self.folder / "requests"

    def _first(self) -> dict[str, Any]:
        self._request(_FACTORY, _GATEWAY, "first")
        return {
            "name": NAME,
            "permissions_boundary_arn": self.boundary,
            "force_destroy": True,
            "csr_dir": str(self._requests),
            "packages_dir": str(PACKAGES),
            "log_retention_days": 14,
            "alarm_topic": {"emails": ["on-call@example.com"]},
            "factories": {
                _FACTORY: {
                    "gateways": [_GATEWAY],
                    "cameras": {"gate": {"retention_hours": 24}},
                    "video": _SHORT_CLIPS,
                    "alarms": _FEW_ALARMS,
                    "lanes": {
                        "measurements": {"stream": {"on_demand": True}, "transform": {"reserved_concurrency": 5}},
                        "configuration": {"stream": {"shards": 1}},
                    },
                }
            },
        }

    def _write(self) -> None:
        write_calls(self.root, {"lake": self._lake})

    def _release(self) -> None:
        """Edit the copies of the modules as a later release might, and use up the versions of IoT policies."""
        for name, before, after in _EDITS:
            file = self.root.parents[1] / "modules" / name
            text = file.read_text(encoding="utf-8")
            if before not in text:
                raise ValueError(f"{name} must have {before!r} for the rehearsal of a release")
            file.write_text(text.replace(before, after), encoding="utf-8")
        iot = self.cloud.client("iot")
        for policy in iot.list_policies()["policies"]:
            document = iot.get_policy(policyName=policy["policyName"])["policyDocument"]
            for _ in range(_POLICY_VERSIONS - 1):
                iot.create_policy_version(policyName=policy["policyName"], policyDocument=document)

    def _request(self, factory: str, gateway: str, name: str) -> None:
        for lane in LANES:
            make_csr(f"{factory}-{gateway}-{lane}", name, self._requests, self.folder / "keys")

    def _other_packages(self) -> Path:
        folder = self.folder / "packages"
        shutil.copytree(PACKAGES, folder)
        for package in folder.glob("*.zip"):
            with zipfile.ZipFile(package, "a") as archive:
                archive.writestr("version.txt", "another version")
        return folder
