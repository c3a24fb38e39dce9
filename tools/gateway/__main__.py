"""`python -m tools.gateway`."""

import sys

from tools.gateway.cli import main

if __name__ == "__main__":
    sys.exit(main())
