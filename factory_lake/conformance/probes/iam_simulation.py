"""What a policy allows is asked of IAM before it is applied, and must be what the service then does."""

from __future__ import annotations

from factory_lake.conformance import roles, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    role, _ = context.shared(roles.archiver)
    bucket = roles.bucket_arn(context, context.shared(setups.bucket))
    cases = [
        ("s3:PutObject", f"{bucket}/{roles.OWN}a", None, "allowed"),
        ("s3:PutObject", f"{bucket}/{roles.FOREIGN}a", None, "implicitDeny"),
        ("s3:DeleteObject", f"{bucket}/{roles.OWN}a", None, "implicitDeny"),
        ("s3:ListBucket", bucket, roles.OWN, "allowed"),
        ("s3:ListBucket", bucket, roles.FOREIGN, "implicitDeny"),
        ("s3:ListBucket", bucket, None, "implicitDeny"),
    ]
    wrong = []
    for action, resource, prefix, wanted in cases:
        entries = [{"ContextKeyName": "s3:prefix", "ContextKeyValues": [prefix], "ContextKeyType": "string"}]
        answer = context.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=[action],
            ResourceArns=[resource],
            ContextEntries=entries if prefix else [],
        )
        (result,) = answer["EvaluationResults"]
        if result["EvalDecision"] != wanted:
            wrong.append(f"{action} with the prefix {prefix}: {result['EvalDecision']}, not {wanted}")
    if wrong:
        raise Differs(f"the simulation of a role's policies gives {'; '.join(wrong)}")


PROBE = Probe(
    name="iam_simulation",
    belief="SimulatePrincipalPolicy decides on the archiver's policy as S3 does (iam_archiver), conditions included.",
    relied_on=("modules/video_archiver/clip_fetch.tf", "factory_lake/policy/documents.py"),
    source="IAM API reference, SimulatePrincipalPolicy",
    usd=0.0001,
    run=_run,
)
