# Not an example to copy: all that a partition of its own has, in China.
home_region = "cn-north-1"

organization = { id = "o-examplecn01", root_id = "r-cn01" }

accounts = {
  management = { id = "620000000001" }
  logging    = { id = "620000000002", role_arn = "arn:aws-cn:iam::620000000002:role/deploy" }
  security   = { id = "620000000003", role_arn = "arn:aws-cn:iam::620000000003:role/deploy" }
  production = { id = "620000000004" }
}

guardrails = {
  exempt_roles = ["arn:aws-cn:iam::620000000002:role/deploy", "arn:aws-cn:iam::620000000003:role/deploy"]
}

archive = { bucket = "example-china-archive" }

recording = {
  data           = [{ service = "s3", arns = ["arn:aws-cn:s3:::example-photos/*"] }]
  archive_access = true
}

catalog = {
  regions    = ["cn-north-1", "cn-northwest-1"]
  queries    = false
  compaction = {}
}

alarms = { subscribers = { email = ["audit@example.com"] } }

access = {
  auditor        = { trusted = ["arn:aws-cn:iam::620000000004:root"], mfa = false, external_id = "china-audit" }
  member_readers = {}
}

siem = {
  reader = { trusted = ["arn:aws-cn:iam::620000000005:root"], external_id = "china-siem" }
}

verification = { package = "orgtrail[verify]==0.1.0" }

guardduty       = { administrator = "security", features = [] }
security_hub    = { administrator = "security" }
access_analyzer = { administrator = "security" }
