# One entry per factory, and its gateways' requests in csr/: docs/deploy.md.
locals {
  factories = {
    krakow = {
      gateways = ["line-1"]
    }
  }

  # Factories taken out of service, whose data stays and can be queried.
  retired_factories = []
}
