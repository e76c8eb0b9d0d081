# Not an example to copy: all that a partition of its own has, in the European Sovereign Cloud.
home_region = "eusc-de-east-1"

organization = { id = "o-exampleeusc1", root_id = "r-eusc" }

accounts = {
  management = { id = "640000000001" }
  logging    = { id = "640000000002", role_arn = "arn:aws-eusc:iam::640000000002:role/deploy" }
  security   = { id = "640000000003", role_arn = "arn:aws-eusc:iam::640000000003:role/deploy" }
  production = { id = "640000000004" }
}

guardrails = {
  exempt_roles = ["arn:aws-eusc:iam::640000000002:role/deploy", "arn:aws-eusc:iam::640000000003:role/deploy"]
}

trail = { sns_topic = { name = "sovereign-notices" } }

archive = { bucket = "example-sovereign-archive" }

recording = {
  data           = [{ service = "s3", arns = ["arn:aws-eusc:s3:::example-photos/*"] }]
  archive_access = true
}

catalog = {
  regions    = ["eusc-de-east-1"]
  queries    = false
  compaction = {}
}

alarms = { subscribers = { email = ["audit@example.com"] } }

access = {
  auditor        = { trusted = ["arn:aws-eusc:iam::640000000004:root"], mfa = false, external_id = "sovereign-audit" }
  member_readers = {}
}

siem = {
  reader = { trusted = ["arn:aws-eusc:iam::640000000005:root"], external_id = "sovereign-siem" }
}

verification = { package = "orgtrail[verify]==0.1.0" }

guardduty       = { administrator = "security", features = [] }
security_hub    = { administrator = "security" }
access_analyzer = { administrator = "security" }
