# The tables' projection names the factories, and finds nothing of any other, without a word. So an ID that was ever in
# `factories` has to stay in `retired_factories`: this refuses a plan that drops it from both. To forget a factory
# whose data is gone: docs/changes.md.
resource "terraform_data" "queried_factory" {
  for_each = toset([for factory in local.queried_factories : factory if !var.force_destroy])

  input = each.key

  lifecycle {
    prevent_destroy = true
  }
}

locals {
  queried_factories = setunion(keys(var.factories), var.retired_factories)
}
