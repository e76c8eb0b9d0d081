# Not an example to copy: an organization that has all of it already, brought under management.
home_region = "us-east-1"

organization = {
  id      = "o-exampleadopt1"
  root_id = "r-adp1"
}

accounts = {
  management = { id = "610000000001", role_arn = "arn:aws:iam::610000000001:role/orgtrail-deploy", permissions_boundary = "boundary" }
  logging    = { id = "610000000002", role_arn = "arn:aws:iam::610000000002:role/orgtrail-deploy", permissions_boundary = "boundary" }
  production = { id = "610000000003" }
}

trail = {
  sns_topic = { arn = "arn:aws:sns:us-east-1:610000000001:old-notices" }
}

# Flow logs come to the same bucket, and a team reads them by a statement of the old policy.
archive = {
  bucket      = "example-adopted-archive"
  object_lock = { mode = "GOVERNANCE", days = 365 }
  writers     = [{ service = "vpc_flow_logs" }]
  statements = [
    {
      Sid       = "NetworkTeamReads"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::610000000003:role/network" }
      Action    = "s3:GetObject"
      Resource  = "arn:aws:s3:::example-adopted-archive/AWSLogs/*/vpcflowlogs/*"
    },
  ]
  notifications = [
    { arn = "arn:aws:sqs:us-east-1:610000000002:old-queue", events = ["s3:ObjectCreated:*"], prefix = "AWSLogs/" },
    { arn = "arn:aws:sns:us-east-1:610000000002:old-topic", events = ["s3:ObjectRemoved:*"] },
  ]
}

guardrails = {
  targets = ["r-adp1", "ou-adp1-workload1"]
}

adopt = {
  bucket            = { parts = ["encryption", "lifecycle", "lock", "logging", "notification", "ownership", "policy", "public_access", "versioning"] }
  access_log_bucket = { parts = ["ownership", "policy"] }
  key               = { arn = "arn:aws:kms:us-east-1:610000000002:key/12345678-1234-1234-1234-123456789012" }
  trail             = {}
  log_group         = {}
  delivery_role     = { manage = true }
  scp               = { id = "p-example1", attached = ["r-adp1"] }
}

# Saved queries are made in the examples; here they would only take time.
catalog = {
  queries = false
}
