# tflint with its own Terraform ruleset, every rule of it. The AWS ruleset is a download from GitHub: CI alone adds it.
plugin "terraform" {
  enabled = true
  preset  = "all"
}
