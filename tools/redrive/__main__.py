"""`python -m tools.redrive`."""

import sys

from tools.redrive.cli import main

if __name__ == "__main__":
    sys.exit(main())
