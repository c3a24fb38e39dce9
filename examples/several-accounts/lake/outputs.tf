output "lake" {
  description = "What the query account needs of this lake, an entry of its `lakes`."
  value = {
    account_id = var.account_id
    database   = local.database
    buckets    = [for lane in ["measurements", "configuration"] : module.storage.bucket_names[lane]]
  }
}
