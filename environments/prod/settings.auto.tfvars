# What every apply must be told alike: commit it, and give none of it on the command line (docs/deploy.md).

# The account and region that hold this lake and no other one. Nothing is planned with credentials of another account.
account_id = "444455556666"
region     = "eu-central-1"

# Who gets alarms by e-mail. An address that is taken out is unsubscribed.
alarm_emails = []
