# Resources refer to one another by these names. For each mention of a resource in each factory, Terraform's graph of an
# apply goes through that resource's instances in all factories; for a local, once. The order of creation is the same
# (docs/scale.md).
locals {
  certificates  = aws_iot_certificate.identity
  policies      = aws_iot_policy.identity
  things        = aws_iot_thing.identity
  rule_policies = aws_iam_role_policy.rule
  rule_roles    = aws_iam_role.rule
  topic_rules   = aws_iot_topic_rule.lane

  current_stream_details = data.aws_kinesis_stream.current
  delivery_log_groups    = aws_cloudwatch_log_group.delivery
  delivery_log_streams   = aws_cloudwatch_log_stream.delivery
  delivery_policies      = aws_iam_role_policy.delivery
  delivery_roles         = aws_iam_role.delivery
  delivery_streams       = aws_kinesis_firehose_delivery_stream.lane

  transform_functions  = aws_lambda_function.transform
  transform_log_groups = aws_cloudwatch_log_group.transform
  transform_policies = [
    aws_iam_role_policy.put_back, aws_iam_role_policy.transform, aws_iam_role_policy.transform_surroundings,
  ]
  transform_roles = aws_iam_role.transform

  connections_delivery_policies = aws_iam_role_policy.connections_delivery
  connections_delivery_roles    = aws_iam_role.connections_delivery
  connections_delivery_streams  = aws_kinesis_firehose_delivery_stream.connections
  connections_log_groups        = aws_cloudwatch_log_group.connections
  connections_log_streams       = aws_cloudwatch_log_stream.connections
  connections_rule_policies     = aws_iam_role_policy.connections_rule
  connections_rule_roles        = aws_iam_role.connections_rule
  connection_topic_rules        = aws_iot_topic_rule.connections
}
