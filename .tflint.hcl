# tflint with its own Terraform ruleset, every rule of it. The AWS ruleset is a download from GitHub and is added in CI alone.
plugin "terraform" {
  enabled = true
  preset  = "all"
}
