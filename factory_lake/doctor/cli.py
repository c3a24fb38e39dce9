"""`factory-lake doctor`: why a gateway is silent, and whether a lake can be applied."""

from pathlib import Path
from typing import Annotated

import typer

from factory_lake.clients import Clients
from factory_lake.doctor import lake_checks
from factory_lake.doctor.account import look
from factory_lake.doctor.collecting import Collector
from factory_lake.doctor.environment import read_environment
from factory_lake.doctor.gateway_checks import diagnose, in_words
from factory_lake.doctor.gathering import Deadline, within
from factory_lake.doctor.model import Diagnosis
from factory_lake.doctor.showing import show
from factory_lake.errors import OptionError
from factory_lake.gateway.identities import LANES, Lane, Source
from factory_lake.lake import Lake, Outputs, mapping_at, open_lake
from factory_lake.options import FormatOption, Group, LakeOption, LaneOption, number

app = typer.Typer(cls=Group, add_completion=False, help="Say what is wrong, and how to mend it.")
_MOST_WATCH = 30.0
#: The minute that a diagnosis takes at most, but for the start of the program and its output.
_SECONDS = 54.0


@app.command()
def gateway(
    gateway_id: Annotated[str, typer.Argument(metavar="GATEWAY", help="The gateway's ID.", show_default=False)],
    *,
    factory: Annotated[
        str | None, typer.Option("--factory", metavar="ID", help="Its factory, where several have such a gateway.")
    ] = None,
    lane: LaneOption = None,
    watch: Annotated[
        float,
        typer.Option(
            "--watch",
            parser=number(0, _MOST_WATCH),
            metavar="SECONDS",
            help="How long to listen to its connections; a gateway that tries less often is not heard.",
        ),
    ] = 20,
    form: FormatOption = "table",
    lake: LakeOption = None,
) -> int:
    """Say why a gateway is silent: the cause, its evidence, and the heading that mends it.

    It only reads, and answers within a minute.
    """
    deadline = Deadline(_SECONDS)
    opened = within(deadline, "the lake's outputs", lambda: open_lake(lake))
    sources = sources_of(opened, gateway_id, factory, lane)
    facts = Collector(opened, Clients(opened), watch, deadline).collect(sources)
    diagnoses = [Diagnosis(str(source), diagnose(known), in_words(known)) for source, known in facts.items()]
    return show(form, diagnoses)


@app.command("lake")
def _lake(
    environment: Annotated[
        Path,
        typer.Option("--environment", metavar="DIR", help="The environment's folder. Default: the current one."),
    ] = Path(),
    *,
    form: FormatOption = "table",
) -> int:
    """Say what would keep a lake from being applied for the first time.

    It reads the folder and asks the account: credentials, quotas, packages, requests, names. It changes nothing.
    """
    deadline = Deadline(_SECONDS)
    found = read_environment(environment)
    # The region of the settings is the lake's, whatever the user's own is.
    clients = Clients(Lake(str(environment), Outputs({}, environment)), region=found.region or None)
    return show(form, [Diagnosis(found.name, lake_checks.diagnose(found, look(clients, found, deadline)))])


def sources_of(lake: Lake, gateway_id: str, factory: str | None, lane: Lane | None) -> list[Source]:
    """The lanes of the gateway that the options name.

    Raises:
        LakeError: When the lake's outputs lack something.
        OptionError: When the lake has no such gateway, or several.
    """
    known = {
        str(each): sorted(mapping_at(lake.outputs, "gateways", str(each)))
        for each in sorted(mapping_at(lake.outputs, "gateways"))
    }
    if factory is not None and factory not in known:
        raise OptionError("--factory", f"must be one of {', '.join(known)}", factory)
    having = [each for each in known if gateway_id in known[each] and factory in (None, each)]
    if not having:
        every = sorted({one for each in known if factory in (None, each) for one in known[each]})
        raise OptionError("GATEWAY", f"must be one of {', '.join(every)}", gateway_id)
    if len(having) > 1:
        raise OptionError("--factory", f"must be one of {', '.join(having)}: each has a gateway {gateway_id}")
    return [Source(having[0], gateway_id, each) for each in LANES if lane in (None, each)]
