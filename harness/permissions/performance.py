"""The rehearsal's acts, each by the one who is to do it, and what they were allowed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from factory_lake.lake import Outputs, outputs_of
from factory_lake.policy.documents import WHO, Who
from harness.lake.local import describe
from harness.lake.terraform import Change, Terraform
from harness.permissions.kinds import DOCUMENTED, by_kind
from harness.permissions.operations import operate
from harness.permissions.rehearsal import ANYTHING, Actor, Rehearsal


@dataclass(frozen=True)
class Performance:
    """A rehearsal and its three actors.

    Attributes:
        rehearsal: Where it takes place.
        deployer: Who applies and destroys.
        planner: Who plans.
        operator: Who runs commands.
        apply_as: The root module as the deployer has it.
        plan_as: And as the planner has it.
    """

    rehearsal: Rehearsal
    deployer: Actor
    planner: Actor
    operator: Actor
    apply_as: Terraform
    plan_as: Terraform

    @classmethod
    def begin(cls, rehearsal: Rehearsal, policies: Mapping[Who, Sequence[Mapping[str, Any]]] | None = None) -> Self:
        """Make the actors and begin to record; without policies each of them may do anything.

        Raises:
            TerraformError: When one of them may not use the state.
        """
        given = policies or {who: [ANYTHING] for who in WHO}
        deployer = Actor.role(rehearsal.cloud, "deployer", given["deploy"])
        planner = Actor.role(rehearsal.cloud, "planner", given["plan"])
        operator = Actor.user(rehearsal.cloud, "operator", given["operate"])
        for actor in (deployer, planner, operator):
            actor.record()
        return cls(rehearsal, deployer, planner, operator, rehearsal.terraform(deployer), rehearsal.terraform(planner))

    def apply(self) -> list[Change]:
        """Apply what is configured; what that changed.

        Raises:
            TerraformError: When the deployer may not.
        """
        changes = self.apply_as.changes({})
        self.apply_as.apply_planned()
        return changes

    def plan(self) -> list[Change]:
        """Plan what is configured.

        Raises:
            TerraformError: When the planner may not.
        """
        return self.plan_as.changes({})

    def operate(self) -> None:
        """Run the commands.

        Raises:
            OperationError: When the operator may not.
        """
        cloud, outputs = self.rehearsal.cloud, self.outputs
        lake = describe(cloud, self.rehearsal.folder / "operated", outputs, caller=self.operator.credentials)
        shutil.copytree(self.rehearsal.folder / "keys", lake / "keys", dirs_exist_ok=True)
        operate(cloud, lake, outputs)

    def destroy(self) -> None:
        """Destroy everything.

        Raises:
            TerraformError: When the deployer may not.
        """
        self.apply_as.destroy({})

    @property
    def outputs(self) -> Outputs:
        """The lake's outputs."""
        return outputs_of(self.apply_as.output(), self.rehearsal.root)

    def recorded(self) -> dict[Who, dict[str, list[str]]]:
        """End the recording: what each was allowed, by kind of resource.

        Raises:
            RecordingError: When no policy can be made of it yet.
        """
        names = self.rehearsal.names
        actors: dict[Who, Actor] = {"deploy": self.deployer, "plan": self.planner, "operate": self.operator}
        return {who: by_kind(actor.recorded(), names, DOCUMENTED[who]) for who, actor in actors.items()}


def perform(rehearsal: Rehearsal) -> dict[Who, dict[str, list[str]]]:
    """All acts in their order; what each was allowed.

    Raises:
        TerraformError, OperationError, RecordingError: As the acts do.
    """
    performance = Performance.begin(rehearsal)
    performance.apply()
    performance.plan()
    rehearsal.change()
    performance.apply()
    performance.plan()
    performance.operate()
    rehearsal.store_objects()
    rehearsal.change_back()
    performance.apply()
    performance.destroy()
    return performance.recorded()
