locals {
  # In messages, so that commands can be copied to any folder.
  csr_dir = abspath(var.csr_dir)

  # An identity per gateway and lane, by client ID: two processes of a gateway, neither of which can speak for the
  # other. Its one topic has two spellings: behind the name of the lane's rule (Basic Ingest) a message goes to that
  # rule alone, and AWS does not charge for messaging.
  identities = merge([
    for gateway in var.gateways : {
      for lane, settings in local.lanes : "${var.factory}-${gateway}-${lane}" => {
        gateway            = gateway
        lane               = lane
        topic              = "factories/${var.factory}/${gateway}/${lane}"
        basic_ingest_topic = "$aws/rules/${settings.rule_name}/factories/${var.factory}/${gateway}/${lane}"
      }
    }
  ]...)

  csr_texts = merge([
    for client_id in keys(local.identities) : {
      # A file that is not UTF-8 counts as empty, so that the error is one of ours.
      for path in fileset(var.csr_dir, "${client_id}/*.pem") : path => try(file("${var.csr_dir}/${path}"), "")
    }
  ]...)

  # The Base64 of the requests in a file. A request is what it says: line ends, blanks and the text around it
  # differ between machines and make no other request.
  csr_begin   = "-----BEGIN CERTIFICATE REQUEST-----"
  csr_end     = "-----END CERTIFICATE REQUEST-----"
  csr_pattern = "${local.csr_begin}([A-Za-z0-9+/=\\s]+)${local.csr_end}"
  csr_bodies = {
    for path, text in local.csr_texts : path => [
      for found in regexall(local.csr_pattern, text) : join("", regexall("\\S+", found[0]))
    ]
  }

  # A certificate per CSR file, by `<client ID>/<file>`.
  requests = {
    for path, bodies in local.csr_bodies : path => {
      client_id = dirname(path)
      file      = basename(path)
      body      = try(bodies[0], "")
      # As OpenSSL and `factory-lake gateway csr` write it, to the byte: that is what certificates so far were made
      # from.
      pem = join("\n", flatten([local.csr_begin, regexall(".{1,64}", try(bodies[0], "")), local.csr_end, ""]))
      # What is there instead of one request. The text is not repeated in messages: it might be a key.
      mistaken = (
        strcontains(local.csr_texts[path], "PRIVATE KEY") ?
        "a private key, which must never leave the gateway: make a new one" :
        strcontains(local.csr_texts[path], "BEGIN NEW CERTIFICATE REQUEST") ?
        "BEGIN NEW CERTIFICATE REQUEST: take the word NEW out of its first and its last line" :
        length(bodies) > 1 ? "${length(bodies)}: give each a file of its own" :
        can(regex("^[^=]+={0,2}$", bodies[0])) && length(try(bodies[0], "")) % 4 == 0 ? "" :
        strcontains(local.csr_texts[path], local.csr_begin) ? "a part of one" :
        strcontains(local.csr_texts[path], "BEGIN CERTIFICATE-----") ? "a certificate" :
        local.csr_texts[path] == "" ? "no text in UTF-8" : "something else"
      )
    }
  }
}

resource "aws_iot_thing" "identity" {
  for_each = local.identities

  name = each.key

  lifecycle {
    precondition {
      condition = anytrue([for request in local.requests : request.client_id == each.key])
      error_message = join("\n", [
        join(" ", [
          "No certificate signing request for ${each.key}: ${local.csr_dir}/${each.key}/<name>.pem must exist. Make a",
          "private key, which then goes to the gateway and nowhere else, and the request with",
        ]),
        "  mkdir -p keys/${each.key} ${local.csr_dir}/${each.key}",
        join(" ", [
          "  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=${each.key} -keyout",
          "keys/${each.key}/first.key -out ${local.csr_dir}/${each.key}/first.pem",
        ]),
      ])
    }
  }
}

resource "aws_iot_certificate" "identity" {
  for_each = local.requests

  active = true
  csr    = each.value.pem

  lifecycle {
    # The provider would replace the certificate for a difference of one byte: the postcondition compares requests.
    ignore_changes = [csr]

    precondition {
      condition = each.value.mistaken == ""
      error_message = join(" ", [
        "${var.csr_dir}/${each.key} must hold one certificate signing request,",
        "got ${each.value.mistaken}.",
      ])
    }

    precondition {
      condition     = length(each.value.pem) <= 4096
      error_message = "${var.csr_dir}/${each.key} must be at most 4096 characters, got ${length(each.value.pem)}."
    }

    # A gateway may be working with this certificate.
    postcondition {
      condition = each.value.body == join("", regexall("\\S+", try(regex(local.csr_pattern, self.csr)[0], "")))
      error_message = join(" ", [
        "${var.csr_dir}/${each.key} must stay the request that its certificate was made from, got another one.",
        "A new request gets a name of its own, and this file goes when the gateway has the new certificate.",
        "If no gateway needs the old one, replace it:\n  terraform apply",
        "-replace='<address of the module>.aws_iot_certificate.identity[\"${each.key}\"]'",
      ])
    }
  }
}

# Its own client ID, its own topic in both spellings, nothing else: no subscriptions, no retained messages, no other
# client.
resource "aws_iot_policy" "identity" {
  for_each = local.identities

  name = each.key
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "iot:Connect"
        Resource = "arn:${local.partition}:iot:${local.region}:${local.account}:client/${each.key}"
      },
      {
        Effect = "Allow"
        Action = "iot:Publish"
        Resource = [
          for topic in [each.value.topic, each.value.basic_ingest_topic] :
          "arn:${local.partition}:iot:${local.region}:${local.account}:topic/${topic}"
        ]
      },
    ]
  })

  tags = var.tags
}

resource "aws_iot_policy_attachment" "identity" {
  for_each = local.requests

  policy = local.policies[each.value.client_id].name
  target = local.certificates[each.key].arn

  # The broker acknowledges what no rule takes, and forgets it. So a gateway may publish only while the rules are
  # there.
  depends_on = [local.topic_rules, local.connection_topic_rules]
}

resource "aws_iot_thing_principal_attachment" "identity" {
  for_each = local.requests

  thing     = local.things[each.value.client_id].name
  principal = local.certificates[each.key].arn
}
