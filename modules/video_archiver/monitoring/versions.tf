# A copy, kept by `make docs`: change modules/monitoring/versions.tf.
terraform {
  required_version = ">= 1.3"
}
