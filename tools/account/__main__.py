"""`python -m tools.account`."""

import sys

from tools.account.cli import main

if __name__ == "__main__":
    sys.exit(main())
