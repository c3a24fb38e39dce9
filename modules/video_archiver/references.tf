# As in factory_pipeline: resources refer to one another by these names, which keeps a plan of many factories short
# (docs/scale.md).
locals {
  function           = aws_lambda_function.clip_fetch
  function_log_group = aws_cloudwatch_log_group.clip_fetch
  role               = aws_iam_role.clip_fetch
  role_policies      = [aws_iam_role_policy.clip_fetch, aws_iam_role_policy.clip_fetch_surroundings]
  schedule_rules     = aws_cloudwatch_event_rule.clip_fetch
}
