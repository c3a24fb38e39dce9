import base64
import hashlib
import json
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from factory_lake.redrive.errors import RedriveError
from factory_lake.redrive.prediction import Prediction, environment_of, is_deployed
from tests.unit.factory_lake.redrive.plant import ARRIVAL, ENVIRONMENT, REGION, sample

KEY = f"{ARRIVAL}/line-1/5c2f7a10"


def test_a_verdict_names_the_rule_or_has_the_line_and_its_day() -> None:
    prediction = Prediction(ENVIRONMENT)
    (taken,) = prediction.verdicts(sample(1), KEY, 0)
    assert taken.rule is None
    assert taken.line is not None
    assert json.loads(taken.line)["_received_at"] == ARRIVAL
    (refused,) = prediction.verdicts(b"{}", KEY, 0)
    assert (refused.line, refused.rule, refused.day) == (None, "REQUIRED", None)
    assert prediction.verdicts(sample(1), KEY, 0) == [taken]


def test_the_plausible_time_is_measured_from_the_first_arrival() -> None:
    old = f"{ARRIVAL - 86_400_000 * 3}/line-1/5c2f7a10"
    assert Prediction(ENVIRONMENT).refusal(sample(1), old, ARRIVAL) == "TIMESTAMP_TOO_FAR_AHEAD"


def test_a_setting_that_the_transform_refuses_is_named() -> None:
    with pytest.raises(RedriveError, match="BLANK_STRINGS must be one of reject, null, keep, got 'perhaps'"):
        Prediction({**ENVIRONMENT, "BLANK_STRINGS": "perhaps"})


def test_settings_that_cannot_be_decrypted_are_not_taken_for_the_defaults() -> None:
    functions = boto3.client("lambda", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
    answer = {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}}}
    with Stubber(functions) as stub:
        stub.add_response("get_function_configuration", answer, {"FunctionName": "transform"})
        with pytest.raises(RedriveError, match="environment of transform cannot be read: AccessDeniedException"):
            environment_of(functions, "transform")


def test_a_functions_settings_and_whether_it_runs_what_was_built_here(tmp_path: Path) -> None:
    package = tmp_path / "transform.zip"
    functions = boto3.client("lambda", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
    digest = base64.b64encode(hashlib.sha256(b"code").digest()).decode()
    answer = {"Environment": {"Variables": ENVIRONMENT}, "CodeSha256": digest}
    with Stubber(functions) as stub:
        for _ in range(3):
            stub.add_response("get_function_configuration", answer, {"FunctionName": "transform"})
        assert environment_of(functions, "transform") == ENVIRONMENT
        assert is_deployed(functions, "transform", package) is None
        package.write_bytes(b"code")
        assert is_deployed(functions, "transform", package) is True
        package.write_bytes(b"other code")
        assert is_deployed(functions, "transform", package) is False
        stub.assert_no_pending_responses()
