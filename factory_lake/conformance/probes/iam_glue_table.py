"""Firehose reads the table of measurements, and its role names the catalog and the database for that."""

from __future__ import annotations

from functools import partial

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_OWN, _FOREIGN = "iam_glue_own", "iam_glue_foreign"


def _run(context: Context) -> None:
    database, glue = context.shared(setups.database), context.client("glue")
    for name in (_OWN, _FOREIGN):
        glue.create_table(DatabaseName=database, TableInput={"Name": name})
    own = [context.arn("glue", each) for each in ("catalog", f"database/{database}", f"table/{database}/{_OWN}")]
    _, whole = setups.assumed(context, "glue", {"Action": "glue:GetTable", "Resource": own})
    _, part = setups.assumed(context, "glue-part", {"Action": "glue:GetTable", "Resource": own[2:]})
    as_whole, as_part = (context.client_as("glue", each).get_table for each in (whole, part))
    named = {"DatabaseName": database, "Name": _OWN}
    setups.with_role(context, partial(as_whole, **named), "the new role's permissions to take effect")
    denied = "AccessDeniedException"
    if (found := setups.refusal(partial(as_whole, DatabaseName=database, Name=_FOREIGN))) != denied:
        raise Differs(f"a role that may read one table reads another of the database: {found or 'allowed'}")
    if (found := setups.refusal(partial(as_part, **named))) != denied:
        raise Differs(f"a role without the catalog and the database reads the table: {found or 'allowed'}")


PROBE = Probe(
    name="iam_glue_table",
    belief="GetTable needs the permission on the catalog, the database and the table, and reaches no other table.",
    relied_on=("modules/factory_pipeline/delivery.tf", "docs/security.md"),
    source="AWS Glue developer guide, Specifying AWS Glue resource ARNs",
    usd=0.0001,
    run=_run,
)
