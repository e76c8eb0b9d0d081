# Not an example to copy: Control Tower owns trail, buckets, key and policy; the rest is ours.
home_region = "us-east-1"

organization = {
  id      = "o-examplerefer1"
  root_id = "r-ref1"
}

accounts = {
  management = { id = "620000000001", role_arn = "arn:aws:iam::620000000001:role/orgtrail-deploy", permissions_boundary = "boundary" }
  logging    = { id = "620000000002", role_arn = "arn:aws:iam::620000000002:role/orgtrail-deploy", permissions_boundary = "boundary" }
  production = { id = "620000000003" }
}

trail = {
  name       = "aws-controltower-BaselineCloudTrail"
  key_prefix = "o-examplerefer1"
}

archive = {
  bucket            = "aws-controltower-logs-620000000002-us-east-1"
  access_log_bucket = "aws-controltower-s3-access-logs-620000000002-us-east-1"
}

delivery = {
  log_group = "aws-controltower/CloudTrailLogs"
}

guardrails = {
  targets = ["r-ref1", "ou-ref1-workload1"]
}

access = {
  auditor = { trusted = ["arn:aws:iam::620000000003:user/auditor"] }
}

alarms = {
  names       = ["root-user"]
  subscribers = { email = ["security@example.com"] }
}

adopt = {
  bucket            = { manage = false }
  access_log_bucket = { manage = false }
  key               = { manage = false, arn = "arn:aws:kms:us-east-1:620000000001:key/12345678-1234-1234-1234-123456789012", alias = false }
  trail             = { manage = false }
  log_group         = { manage = false }
  scp               = { manage = false, id = "p-example2", attached = ["ou-ref1-workload1"] }
}

# Saved queries are made in the examples; here they would only take time.
catalog = {
  queries       = false
  result_bucket = "example-referred-answers"
}
