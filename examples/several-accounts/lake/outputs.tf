output "lake" {
  description = "What the query account needs of this lake, an entry of its `lakes`."
  value = {
    account_id = var.account_id
    database   = local.database
    buckets    = [for bucket in ["measurements", "configuration", "clips"] : module.lake.buckets[bucket]]
  }
}
