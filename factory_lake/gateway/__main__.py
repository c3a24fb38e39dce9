"""`python -m factory_lake.gateway`."""

import sys

from factory_lake.gateway.cli import main

if __name__ == "__main__":
    sys.exit(main())
