output "athena" {
  description = "Where to query: `workgroup`, and the `catalogs` by lake."
  value = {
    workgroup = aws_athena_workgroup.lakes.name
    catalogs  = { for lake, catalog in aws_athena_data_catalog.lake : lake => catalog.name }
  }
}

output "reader_policy_arn" {
  description = "ARN of the policy for whoever queries."
  value       = aws_iam_policy.reader.arn
}
