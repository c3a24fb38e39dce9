# Where alarms go: a topic of this lake, if it is wanted, and whatever else the caller names.
locals {
  topics        = { for name, settings in { alarms = var.alarm_topic } : name => settings if settings != null }
  topic_arn     = "arn:${local.partition}:sns:${local.place}:${var.name}-alarms"
  alarm_actions = concat([for topic in aws_sns_topic.alarms : topic.arn], tolist(var.alarm_actions))
}

resource "aws_sns_topic" "alarms" {
  for_each = local.topics

  name         = "${var.name}-alarms"
  display_name = "Alarms of ${var.name}"
  # The key that AWS manages for SNS does not let CloudWatch in, so without a key of one's own the texts of alarms are
  # not encrypted at rest. (CloudWatch user guide, "Notifying users on alarm changes".)
  kms_master_key_id = each.value.kms_key_arn
  tags              = var.tags
}

# Nobody but CloudWatch, and CloudWatch for nothing but this lake's alarms. What the account's own identities may do is
# up to IAM.
resource "aws_sns_topic_policy" "alarms" {
  for_each = local.topics

  arn = aws_sns_topic.alarms[each.key].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OwnAlarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
          ArnLike = {
            "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.place}:alarm:${var.name}-*"
          }
        }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

locals {
  # An alarm is made without data and goes to OK minutes later, which is a change of state like any other: some 40
  # messages for each new factory. What begins or ends an alarm is told, the rest is not. (SNS Developer Guide, "Amazon
  # SNS subscription filter policies": the text of an alarm is JSON.)
  told = { "$or" = [{ NewStateValue = ["ALARM"] }, { OldStateValue = ["ALARM"] }] }
}

# Whoever is named gets a message with a link, and alarms only after following it.
resource "aws_sns_topic_subscription" "email" {
  for_each = toset(flatten([for topic in local.topics : tolist(topic.emails)]))

  topic_arn = aws_sns_topic.alarms["alarms"].arn
  protocol  = "email"
  endpoint  = each.key

  filter_policy_scope = "MessageBody"
  filter_policy       = jsonencode(local.told)
}
