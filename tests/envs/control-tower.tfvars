# Not an example to copy: Control Tower owns trail, bucket, key and log group; table, readers and
# guardrails are ours, and leave Control Tower what is its own.
home_region = "us-east-1"

organization = { id = "o-exampletower", root_id = "r-twr1" }

accounts = {
  management = { id = "640000000001", role_arn = "arn:aws:iam::640000000001:role/orgtrail-deploy", permissions_boundary = "boundary" }
  logging    = { id = "640000000002", role_arn = "arn:aws:iam::640000000002:role/orgtrail-deploy", permissions_boundary = "boundary" }
  audit      = { id = "640000000003" }
}

trail = {
  name       = "aws-controltower-BaselineCloudTrail"
  key_prefix = "o-exampletower"
}

archive = {
  bucket            = "aws-controltower-logs-640000000002-us-east-1"
  access_log_bucket = "aws-controltower-s3-access-logs-640000000002-us-east-1"
}

# Landing zone 4 ends the group's name with an id of its own.
delivery = { log_group = "aws-controltower/CloudTrailLogs-a1b2c3d4" }

access = {
  auditor = { trusted = ["arn:aws:iam::640000000003:root"], external_id = "tower-audit" }
}

adopt = {
  bucket            = { manage = false }
  access_log_bucket = { manage = false }
  trail             = { manage = false }
  log_group         = { manage = false }
  key               = { manage = false, arn = "arn:aws:kms:us-east-1:640000000001:key/12345678-1234-1234-1234-123456789012" }
  owner_roles = [
    "arn:aws:iam::*:role/AWSControlTowerExecution",
    "arn:aws:iam::*:role/aws-controltower-*",
    "arn:aws:iam::*:role/stacksets-exec-0123456789abcdef",
  ]
}

# Saved queries are made in the examples; here they would only take time.
catalog = {
  queries       = false
  result_bucket = "example-control-tower-answers"
}
