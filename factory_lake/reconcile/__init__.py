"""The account of every message: what the gateways sent, against what lies in S3.

`python -m factory_lake.reconcile` reads the gateways' journals and the lake's buckets and finds each message again, or
says which it did not find. The modules:

- `expectation` says from a payload alone what the lake must make of it, reading the rules on its own;
- `stored` reads the lake's objects: Parquet rows, configuration lines, error objects;
- `redriven` is the record of what was put back of error objects;
- `matching` brings both together, `ledger` holds and shows the result.
"""

from factory_lake.reconcile.edge import Buckets, Lake, take_account
from factory_lake.reconcile.expectation import Rules
from factory_lake.reconcile.report import Account, Offender, Tally

__all__ = ["Account", "Buckets", "Lake", "Offender", "Rules", "Tally", "take_account"]
