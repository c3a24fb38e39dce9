"""`python -m factory_lake.redrive`."""

import sys

from factory_lake.redrive.cli import main

if __name__ == "__main__":
    sys.exit(main())
