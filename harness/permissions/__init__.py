"""What Terraform's provider and the commands ask of IAM, recorded on the local cloud.

`rehearsal` applies, plans, changes and destroys a lake as roles that are given policies, and records every action
that they were allowed. `kinds` sorts the recording by kind of resource, as factory_lake/policy/permissions.json
has it. `reference.json` says which kinds each action takes on AWS, from the Service Authorization Reference.
"""
