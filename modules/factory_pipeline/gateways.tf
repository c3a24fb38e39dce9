locals {
  # In messages, so that commands can be copied to any folder.
  csr_dir = abspath(var.csr_dir)

  # An identity per gateway and lane, by client ID: two processes of a gateway, neither of which can speak for the other.
  identities = merge([
    for gateway in var.gateways : {
      for lane in keys(local.lanes) : "${var.factory}-${gateway}-${lane}" => {
        gateway = gateway
        lane    = lane
        topic   = "factories/${var.factory}/${gateway}/${lane}"
      }
    }
  ]...)

  # A certificate per CSR file, by `<client ID>/<file>`.
  requests = merge([
    for client_id in keys(local.identities) : {
      for path in fileset(var.csr_dir, "${client_id}/*.pem") : path => {
        client_id = client_id
        file      = basename(path)
        pem       = file("${var.csr_dir}/${path}")
      }
    }
  ]...)
}

resource "aws_iot_thing" "identity" {
  for_each = local.identities

  name = each.key

  lifecycle {
    precondition {
      condition = anytrue([for request in local.requests : request.client_id == each.key])
      error_message = join("\n", [
        "No certificate signing request for ${each.key}: ${local.csr_dir}/${each.key}/<name>.pem must exist. In the repository's folder, make a private key, which then goes to the gateway and nowhere else, and the request with",
        "  .venv/bin/python -m factory_lake.gateway csr --client-id ${each.key} --csr-dir ${local.csr_dir} --key-dir keys",
        "or with",
        "  mkdir -p keys/${each.key} ${local.csr_dir}/${each.key}",
        "  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=${each.key} -keyout keys/${each.key}/first.key -out ${local.csr_dir}/${each.key}/first.pem",
      ])
    }
  }
}

resource "aws_iot_certificate" "identity" {
  for_each = local.requests

  active = true
  csr    = each.value.pem

  lifecycle {
    # The PEM itself is not repeated in messages: it might be a key.
    precondition {
      condition     = startswith(each.value.pem, "-----BEGIN CERTIFICATE REQUEST-----") && !strcontains(each.value.pem, "PRIVATE KEY")
      error_message = "${var.csr_dir}/${each.key} must hold a certificate signing request and nothing else, got ${strcontains(each.value.pem, "PRIVATE KEY") ? "a private key, which must never leave the gateway: make a new one" : "something else"}."
    }

    precondition {
      condition     = length(each.value.pem) <= 4096
      error_message = "${var.csr_dir}/${each.key} must be at most 4096 characters, got ${length(each.value.pem)}."
    }
  }
}

# Its own client ID, its own topic, nothing else: no subscriptions, no retained messages, no other client.
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
        Effect   = "Allow"
        Action   = "iot:Publish"
        Resource = "arn:${local.partition}:iot:${local.region}:${local.account}:topic/${each.value.topic}"
      },
    ]
  })
}

resource "aws_iot_policy_attachment" "identity" {
  for_each = local.requests

  policy = aws_iot_policy.identity[each.value.client_id].name
  target = aws_iot_certificate.identity[each.key].arn

  # The broker acknowledges what no rule takes, and forgets it. So a gateway may publish only while the rules are there.
  depends_on = [aws_iot_topic_rule.lane]
}

resource "aws_iot_thing_principal_attachment" "identity" {
  for_each = local.requests

  thing     = aws_iot_thing.identity[each.value.client_id].name
  principal = aws_iot_certificate.identity[each.key].arn
}
