output "clips" {
  description = "S3 URI of the factory's clips."
  value       = "s3://${module.storage.bucket_names["clips"]}/factory=krakow/"
}

output "streams" {
  description = "Names of the video streams, by camera: what a camera's producer sends to."
  value       = module.video_archiver.streams
}

output "retention_changes" {
  description = "By camera, the command that gives its stream the retention that is asked for, where it has another."
  value       = module.video_archiver.retention_changes
}
