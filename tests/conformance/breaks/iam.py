"""IAM as it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import iam

from tests.conformance.breaks import Break, IsOn


def _simulations_know_no_context(is_on: IsOn) -> None:
    simulate = iam._IAM_HANDLERS["SimulatePrincipalPolicy"]

    def simulated(request: Mapping[str, Any]) -> Any:
        kept = {name: value for name, value in request.items() if not name.startswith("ContextEntries")}
        return simulate(kept if is_on() else request)

    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulated


BREAKS = [Break("iam_simulation", _simulations_know_no_context)]
