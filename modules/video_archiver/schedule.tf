locals {
  # EventBridge takes five targets a rule.
  targets_per_rule = 5
  rules = {
    for rule in range(ceil(max(1, var.video.shards) / local.targets_per_rule)) :
    (rule == 0 ? local.function_name : "${local.function_name}-${rule}") => [
      for shard in range(rule * local.targets_per_rule, min((rule + 1) * local.targets_per_rule, var.video.shards)) : shard
    ]
  }
  targets = merge([
    for rule, shards in local.rules : { for shard in shards : "shard-${shard}" => { rule = rule, shard = shard } }
  ]...)

  # An event that waits longer than until the next one is not needed any more; Lambda keeps one for 60 s at least. Of a cron schedule
  # the distance is not known.
  schedule_parts    = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.video.schedule), null)
  cron_fields       = try(regex("^cron\\(([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+)\\)$", var.video.schedule), null)
  schedule_seconds  = local.schedule_parts == null ? null : tonumber(local.schedule_parts[0]) * { minute = 60, hour = 3600, day = 86400 }[local.schedule_parts[1]]
  event_age_seconds = min(21600, max(60, coalesce(local.schedule_seconds, 3600)))
}

resource "aws_cloudwatch_event_rule" "clip_fetch" {
  for_each = local.rules

  name                = each.key
  description         = "Starts the archiving of ${var.factory}'s footage."
  schedule_expression = var.video.schedule
}

resource "aws_cloudwatch_event_target" "clip_fetch" {
  for_each = local.targets

  rule      = aws_cloudwatch_event_rule.clip_fetch[each.value.rule].name
  target_id = each.key
  arn       = aws_lambda_function.clip_fetch.arn
  input     = jsonencode({ shard = each.value.shard, shards = var.video.shards })
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.rules

  statement_id   = each.key
  function_name  = aws_lambda_function.clip_fetch.function_name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.clip_fetch[each.key].arn
  source_account = local.account
}
