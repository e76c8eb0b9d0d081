# Not an example to copy: all that a partition of its own has, in GovCloud.
home_region = "us-gov-west-1"

organization = { id = "o-examplegov2", root_id = "r-gov2" }

accounts = {
  management = { id = "630000000001" }
  logging    = { id = "630000000002", role_arn = "arn:aws-us-gov:iam::630000000002:role/deploy" }
  security   = { id = "630000000003", role_arn = "arn:aws-us-gov:iam::630000000003:role/deploy" }
  production = { id = "630000000004" }
}

guardrails = {
  exempt_roles = ["arn:aws-us-gov:iam::630000000002:role/deploy", "arn:aws-us-gov:iam::630000000003:role/deploy"]
}

archive = { bucket = "example-govcloud-archive" }

recording = {
  data           = [{ service = "s3", arns = ["arn:aws-us-gov:s3:::example-photos/*"] }]
  archive_access = true
}

catalog = {
  regions    = ["us-gov-west-1", "us-gov-east-1"]
  queries    = false
  compaction = {}
}

alarms = { subscribers = { email = ["audit@example.com"] } }

access = {
  auditor        = { trusted = ["arn:aws-us-gov:iam::630000000004:root"], mfa = false, external_id = "govcloud-audit" }
  member_readers = {}
}

siem = {
  reader = { trusted = ["arn:aws-us-gov:iam::630000000005:root"], external_id = "govcloud-siem" }
}

verification = { package = "orgtrail[verify]==0.1.0" }

guardduty       = { administrator = "security", features = [] }
security_hub    = { administrator = "security" }
access_analyzer = { administrator = "security" }
