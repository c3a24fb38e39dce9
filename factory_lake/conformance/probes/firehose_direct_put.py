"""Records that are put into a delivery stream itself, as the connections' are."""

import re
from datetime import UTC, datetime

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, Direct, direct
from factory_lake.conformance.probe import Differs, Probe

_KEY = re.compile(r"delivered/direct/year=(\d{4})/month=(\d\d)/day=(\d\d)/[^/]+\.parquet")


def _run(context: Context) -> None:
    made: Direct = context.shared(direct)
    days = {f"{datetime.now(UTC):%Y-%m-%d}"}
    made.put(b'{"deviceID":"put","timestamp":1700000000123,"number":7}\n')
    days.add(f"{datetime.now(UTC):%Y-%m-%d}")
    key, row = context.until(lambda: made.rows("put"), DELIVERY_SECONDS, "the row of a record that was put")[0]
    found = _KEY.fullmatch(key)
    if found is None or "-".join(found.groups()) not in days:
        raise Differs(f"the prefix is not the day of arrival: {key.rpartition('/')[0]!r}")
    if (row["number"], f"{row['ts']:%Y-%m-%d %H:%M:%S.%f}") != (7, "2023-11-14 22:13:20.123000"):
        raise Differs(f"the row has number {row['number']} and ts {row['ts']}")


PROBE = Probe(
    name="firehose_direct_put",
    belief=(
        "A delivery stream with Direct PUT, server-side encryption and format conversion writes what is put "
        "into it as Parquet, below the day of its arrival."
    ),
    relied_on=("modules/factory_pipeline/connections.tf",),
    source="Amazon Data Firehose developer guide, Understand custom prefixes for Amazon S3 objects",
    usd=0.003,
    run=_run,
)
