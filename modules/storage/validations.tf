# What S3 accepts in a lifecycle, and what Athena can still read afterwards; each message says path, rule and value.
# Sources: Amazon S3 User Guide, "Transitioning objects using Amazon S3 Lifecycle"; Athena User Guide, "Handle Amazon
# S3 Glacier objects".
locals {
  # S3 moves objects from a lower rank to a higher one only.
  storage_classes = {
    STANDARD_IA         = 1
    INTELLIGENT_TIERING = 2
    ONEZONE_IA          = 3
    GLACIER_IR          = 4
    GLACIER             = 5
    DEEP_ARCHIVE        = 6
  }
  classes_by_rank = [for rank in range(1, 7) : [for class, place in local.storage_classes : class if place == rank][0]]
  # Objects enter these classes after 30 days at the earliest, and stay for 30 before a lifecycle moves them on.
  infrequent_access = ["STANDARD_IA", "ONEZONE_IA"]
  # Athena passes over objects in these classes without a word: a query would return fewer rows than there are.
  unreadable_classes = ["GLACIER", "DEEP_ARCHIVE"]
  queried_buckets    = ["measurements", "configuration"]

  transition_errors = {
    for bucket, settings in local.buckets : bucket => flatten([
      for index, transition in settings.transitions : [
        contains(keys(local.storage_classes), transition.storage_class) ? [] : [
          join(" ", [
            "buckets[\"${bucket}\"].transitions[${index}].storage_class must be one of",
            "${join(", ", keys(local.storage_classes))}, got \"${transition.storage_class}\".",
          ])
        ],
        contains(local.queried_buckets, bucket) && contains(local.unreadable_classes, transition.storage_class) ? [
          join(" ", [
            "buckets[\"${bucket}\"].transitions[${index}].storage_class must not be GLACIER or DEEP_ARCHIVE, whose",
            "objects Athena skips (GLACIER_IR stays readable), got \"${transition.storage_class}\".",
          ])
        ] : [],
        transition.days >= (contains(local.infrequent_access, transition.storage_class) ? 30 : 0)
        && floor(transition.days) == transition.days ? [] : [
          join(" ", [
            "buckets[\"${bucket}\"].transitions[${index}].days must be a whole number, at least",
            "${contains(local.infrequent_access, transition.storage_class) ? 30 : 0} for",
            "${transition.storage_class}, got ${transition.days}.",
          ])
        ],
      ]
    ])
  }

  # Each transition beside the one before it.
  steps = {
    for bucket, settings in local.buckets : bucket => [
      for index in range(1, max(1, length(settings.transitions))) : {
        index = index
        from  = settings.transitions[index - 1]
        to    = settings.transitions[index]
      }
    ]
  }
  step_errors = {
    for bucket, steps in local.steps : bucket => [
      for step in steps :
      join(" ", [
        "buckets[\"${bucket}\"].transitions[${step.index}] must come",
        "${contains(local.infrequent_access, step.from.storage_class) ? 30 : 1} or more days after the one before it",
        "and lead further down",
        "${join(", ", local.classes_by_rank)},",
        "got ${step.to.storage_class} after ${step.to.days} days behind ${step.from.storage_class} after",
        "${step.from.days}.",
      ])
      if step.to.days - step.from.days < (contains(local.infrequent_access, step.from.storage_class) ? 30 : 1)
      || lookup(local.storage_classes, step.to.storage_class, 7) <= lookup(
        local.storage_classes,
        step.from.storage_class,
        0
      )
    ]
  }

  # The one step down that S3 does not make.
  zone_errors = {
    for bucket, steps in local.steps : bucket => [
      for step in steps :
      join(" ", [
        "buckets[\"${bucket}\"].transitions[${step.index}].storage_class must not be GLACIER_IR behind ONEZONE_IA,",
        "from where S3 moves objects to GLACIER and DEEP_ARCHIVE only, got GLACIER_IR.",
      ])
      if step.from.storage_class == "ONEZONE_IA" && step.to.storage_class == "GLACIER_IR"
    ]
  }

  expiry_errors = {
    for bucket, settings in local.buckets : bucket => concat(
      [
        for input in ["expire_data_after_days", "expire_errors_after_days", "expire_noncurrent_after_days"] :
        "buckets[\"${bucket}\"].${input} must be a whole number, at least 1, got ${settings[input]}."
        if settings[input] == null ? false : settings[input] < 1 || floor(settings[input]) != settings[input]
      ],
      [
        for index, transition in settings.transitions :
        join(" ", [
          "buckets[\"${bucket}\"].expire_data_after_days must be more than transitions[${index}].days, which is",
          "${transition.days}, got ${settings.expire_data_after_days}.",
        ])
        if settings.expire_data_after_days == null ? false : settings.expire_data_after_days <= transition.days
      ]
    )
  }

  lifecycle_errors = {
    for bucket in keys(local.buckets) :
    bucket => concat(
      local.transition_errors[bucket], local.step_errors[bucket], local.zone_errors[bucket],
      local.expiry_errors[bucket]
    )
  }
}
