# What whoever works with the lake needs to know: `terraform output -json lake`. The names: modules/lake/README.md.
output "lake" {
  description = "All outputs of modules/lake, by name."
  value       = module.lake
}
