# One entry per factory, and its gateways' requests in csr/: docs/deploy.md.
locals {
  factories = {
    krakow = {
      gateways = ["line-1", "line-2"]
    }

    lyon = {
      gateways = ["press-shop"]
      lanes = {
        # Texts of this plant's PLCs may be empty.
        measurements = {
          transform = { blank_strings = "null" }
        }
      }
      cameras = {
        press-1 = { retention_hours = 72 }
      }
    }
  }

  # Factories taken out of service, whose data stays and can be queried.
  retired_factories = []
}
