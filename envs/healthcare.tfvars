# A hospital under HIPAA: four accounts, patient data in one of them.
# Every setting is explained in docs/settings.md.

name        = "healthcare"
home_region = "us-east-1"

organization = {
  id      = "o-examplehc01"
  root_id = "r-hc01"
}

accounts = {
  management = {
    id                   = "111111111111"
    role_arn             = "arn:aws:iam::111111111111:role/orgtrail-deploy"
    permissions_boundary = "orgtrail-boundary"
  }
  logging = {
    id                   = "222222222222"
    role_arn             = "arn:aws:iam::222222222222:role/orgtrail-deploy"
    permissions_boundary = "orgtrail-boundary"
  }
  production  = { id = "333333333333" }
  development = { id = "444444444444" }
}

tags = {
  ManagedBy = "orgtrail"
  Owner     = "compliance"
  Data      = "audit-trail"
}

trail = {
  name = "healthcare-organization-trail"
}

# Every call on the tables with patient data, and everyone who reads the audit trail itself.
recording = {
  data = [
    {
      service = "dynamodb"
      arns = [
        "arn:aws:dynamodb:us-east-1:333333333333:table/patients",
        "arn:aws:dynamodb:us-east-1:333333333333:table/patient-*",
      ]
    },
  ]
  archive_access = true
}

# HIPAA asks for six years (45 CFR 164.316); the lock holds each file that long.
archive = {
  bucket            = "example-healthcare-audit-archive"
  expire_after_days = 2557
  object_lock       = { mode = "GOVERNANCE", days = 2192 }
  break_glass_roles = ["arn:aws:iam::222222222222:role/compliance-break-glass"]
}

key = {
  alias         = "alias/healthcare-audit"
  rotation_days = 180
}

delivery = {
  retention_days = 731
}

guardrails = {
  exempt_roles = [
    "arn:aws:iam::222222222222:role/orgtrail-deploy",
    "arn:aws:iam::222222222222:role/compliance-break-glass",
  ]
}

# Both lists are fixed here: four accounts, two regions. A plan warns of an account left out.
catalog = {
  database                 = "audit"
  workgroup                = "compliance"
  accounts                 = "file"
  regions                  = ["us-east-1", "us-west-2"]
  first_day                = "2026-01-01"
  bytes_scanned_limit      = 100000000000
  result_expire_after_days = 45
}

# The independent audit team works in an account of its own, and signs in there with MFA. No
# session of a role shows that to AWS, so this side asks for the id that both agreed on.
access = {
  auditor = {
    trusted     = ["arn:aws:iam::999999999999:role/hospital-audit"]
    external_id = "healthcare-audit-2026"
  }
}
