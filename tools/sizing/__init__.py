"""How much a plant asks of the lake, and what that costs: sums with a user's own numbers.

`python -m tools.sizing capacity plant.toml` compares what a plant sends with the limits that apply to it;
`python -m tools.sizing cost plant.toml prices.toml` multiplies what it uses by prices. Settings that the
plant's file does not name have the defaults of the Terraform modules, read from the modules themselves.
"""

import sys

from tools.package import SOURCES

# The functions' own limits are read from their sources.
if str(SOURCES) not in sys.path:
    sys.path.append(str(SOURCES))
