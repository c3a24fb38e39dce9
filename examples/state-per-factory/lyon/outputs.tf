output "gateways" {
  description = <<-EOT
    What a gateway's two processes connect with, by gateway and lane: `client_id`, `topic` and `certificate_pems` by
    CSR file.
  EOT
  value       = module.factory_pipeline.gateways
}

output "streams" {
  description = "Names of the video streams, by camera: what a camera's producer sends to."
  value       = module.video_archiver.streams
}
