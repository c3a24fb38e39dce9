"""IAM policies for those who work with a lake: who applies it, who plans it, who operates it.

`permissions.json` has the actions of each, by the kind of resource. It is recorded on the local cloud, by
`python -m harness.permissions`, from the calls that Terraform's provider and the commands really make.
`resources` knows the ARNs of each kind for a lake of some name, and `documents` makes policies of both.
"""
