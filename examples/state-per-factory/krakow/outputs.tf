output "gateways" {
  description = <<-EOT
    What a gateway's two processes connect with, by gateway and lane: `client_id`, `topic` and `certificate_pems` by
    CSR file.
  EOT
  value       = module.factory_pipeline.gateways
}
