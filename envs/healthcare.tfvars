# A hospital.
name        = "healthcare"
home_region = "us-east-1"

organization = {
  id      = "o-exampleorgid"
  root_id = "r-exam"
}

accounts = {
  management = {
    id       = "111111111111"
    role_arn = "arn:aws:iam::111111111111:role/orgtrail-deploy"
  }
  logging = {
    id       = "222222222222"
    role_arn = "arn:aws:iam::222222222222:role/orgtrail-deploy"
  }
  production  = { id = "333333333333" }
  development = { id = "444444444444" }
}

tags = {
  Owner = "compliance"
  Data  = "audit"
}

trail = {
  name = "healthcare-organization-trail"
  insights = ["ApiCallRateInsight", "ApiErrorRateInsight"]
}

archive = {
  bucket                = "example-healthcare-trail-archive"
  glacier_after_days    = 365
  deep_archive_after_days = 730
  expire_after_days     = 2557
  object_lock = { mode = "GOVERNANCE", days = 2192 }
}
guardrails = {
  targets      = ["r-exam"]
  exempt_roles = ["arn:aws:iam::222222222222:role/orgtrail-deploy", "arn:aws:iam::222222222222:role/break-glass"]
}
catalog = {
  accounts = "file"
  regions = ["us-east-1", "us-east-2", "us-west-2"]
}
backend = { type = "local" }
