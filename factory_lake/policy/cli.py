"""`factory-lake policy`: the IAM policies of those who deploy, plan or operate a lake."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.clients import Clients
from factory_lake.errors import LakeError, OptionError
from factory_lake.gateway.identities import LANES
from factory_lake.lake import mapping_at, open_lake, output_at, owner_of
from factory_lake.options import LakeOption
from factory_lake.policy.documents import Who, documents
from factory_lake.policy.resources import Names

app = typer.Typer(add_completion=False)

_Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="The lake's name, before there is a lake that --lake could name."),
]
_Account = Annotated[str | None, typer.Option("--account", metavar="ID", help="The lake's account.")]
_Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="The lake's region. Default: the region in use.")
]
_Suffix = Annotated[
    str | None, typer.Option("--suffix", metavar="SUFFIX", help="The lake's `suffix`. Default: the account.")
]
_Partition = Annotated[str | None, typer.Option("--partition", metavar="PARTITION", help="Default: aws.")]
_RolePath = Annotated[str, typer.Option("--role-path", metavar="PATH", help="The path of the lake's roles.")]
_Boundary = Annotated[
    str | None,
    typer.Option(
        "--permissions-boundary",
        metavar="ARN",
        help="The boundary that every role of the lake must have.",
    ),
]
_StateBucket = Annotated[
    str, typer.Option("--state-bucket", metavar="BUCKET", help="The bucket of the Terraform state.")
]
_StateKey = Annotated[str, typer.Option("--state-key", metavar="KEY", help="The state's key in it.")]
_Keys = Annotated[
    list[str] | None,
    typer.Option("--kms-key", metavar="ARN", help="A key in the lake's kms_keys; may be repeated."),
]
_ForceDestroy = Annotated[
    bool,
    typer.Option("--force-destroy", help="Let it delete what is in the buckets, for a lake with force_destroy."),
]
_Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write each policy to a file there, and print the files' names."),
]


@app.command()
def policy(
    who: Annotated[
        Who,
        typer.Argument(
            metavar="deploy|plan|operate",
            help="Who gets it: who applies and destroys, who only plans, or who runs the commands of factory-lake.",
        ),
    ],
    *,
    lake: LakeOption = None,
    name: _Name = None,
    account: _Account = None,
    region: _Region = None,
    suffix: _Suffix = None,
    partition: _Partition = None,
    role_path: _RolePath = "/",
    boundary: _Boundary = None,
    state_bucket: _StateBucket = "",
    state_key: _StateKey = "",
    kms_keys: _Keys = None,
    force_destroy: _ForceDestroy = False,
    out: _Out = None,
) -> None:
    """Print the IAM policies that the deployment, a plan or the operation of a lake needs, and no more."""
    if boundary is not None and who != "deploy":
        raise OptionError("--permissions-boundary", "is for deploy: the others make no roles")
    if force_destroy and who != "deploy":
        raise OptionError("--force-destroy", "is for deploy: the others delete nothing")
    if state_bucket and who == "operate":
        raise OptionError("--state-bucket", "is for deploy and plan: commands read no state")
    names = replace(
        _names(lake, name, account, region, suffix, partition),
        role_path=role_path,
        state_bucket=state_bucket,
        state_key=state_key,
        kms_keys=tuple(kms_keys or ()),
    )
    made = documents(who, names, boundary, force_destroy=force_destroy)
    if out is None:
        for document in made:
            print(json.dumps(document, indent=2))
        return
    out.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(made, start=1):
        file = out / f"{names.name}-{who}-{number}.json"
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        print(file)


def _names(
    lake: Path | None,
    name: str | None,
    account: str | None,
    region: str | None,
    suffix: str | None,
    partition: str | None,
) -> Names:
    """The lake that the options name, or else the one that is applied."""
    if name is not None:
        for option, value in (("--account", account), ("--region", region)):
            if value is None:
                raise OptionError(option, "must be given with --name")
        return Names(name, account or "", region or "", suffix or "", partition or "aws")
    opened = open_lake(lake)
    outputs = opened.outputs
    found = str(output_at(outputs, "athena", "workgroup"))
    factories = sorted(mapping_at(outputs, "roles"))
    owner = owner_of(outputs, factories[0], LANES[0]) if factories else ("aws", "")
    account = account or owner[1]
    where = region or Clients(opened).region
    if where is None:
        raise OptionError("--region", "must be given where no AWS region is set")
    bucket = str(output_at(outputs, "buckets", "measurements"))
    own = bucket.removeprefix(f"{found}-").removesuffix("-measurements")
    if not account:
        raise LakeError(opened.place, "has no factory, whose roles say the account: give --account")
    return Names(found, account, where, suffix or own, partition or owner[0])
