"""`python -m factory_lake.reconcile`."""

import sys

from factory_lake.reconcile.cli import main

if __name__ == "__main__":
    sys.exit(main())
