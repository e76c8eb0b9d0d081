# Not an example to copy: one log bucket that other services write to as well, and everybody signs
# in by IAM Identity Center.
home_region = "eu-west-1"

organization = { id = "o-exampleshare1", root_id = "r-shr1" }

accounts = {
  management = {
    id           = "630000000001"
    profile      = "shared-management"
    session_role = "arn:aws:iam::630000000001:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Platform_*"
  }
  logging = {
    id           = "630000000002"
    profile      = "shared-logging"
    session_role = "arn:aws:iam::630000000002:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Platform_*"
  }
  production  = { id = "630000000003" }
  development = { id = "630000000004" }
}

archive = {
  bucket            = "aws-waf-logs-example-shared"
  break_glass_roles = ["arn:aws:iam::630000000002:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_BreakGlass_*"]

  writers = [
    { service = "config" },
    { service = "vpc_flow_logs", prefix = "network", accounts = ["production", "development"] },
    { service = "route53_resolver", prefix = "network" },
    { service = "elb", prefix = "balancers" },
    { service = "nlb", prefix = "balancers", accounts = ["production"] },
    { service = "network_firewall" },
    { service = "waf" },
  ]

  # Written by hand, years before the trail was described here.
  statements = [
    {
      Sid       = "SecurityLakeReads"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::630000000003:role/security-lake"] }
      Action    = ["s3:GetObject", "s3:GetObjectTagging"]
      Resource  = "arn:aws:s3:::aws-waf-logs-example-shared/network/*"
    },
    {
      Sid          = "OnlyTheNetworkTeamTags"
      Effect       = "Deny"
      NotPrincipal = { AWS = "arn:aws:iam::630000000003:role/network" }
      Action       = "s3:PutObjectTagging"
      Resource     = ["arn:aws:s3:::aws-waf-logs-example-shared/network/*"]
    },
    {
      Sid       = "NothingButListsInTheClear"
      Effect    = "Deny"
      Principal = "*"
      NotAction = ["s3:ListBucket", "s3:GetBucketLocation"]
      Resource  = ["arn:aws:s3:::aws-waf-logs-example-shared", "arn:aws:s3:::aws-waf-logs-example-shared/*"]
      Condition = { Bool = { "aws:SecureTransport" = ["false"] } }
    },
  ]
}

guardrails = {
  member_trails = false
  exempt_roles = [
    "arn:aws:iam::630000000002:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Platform_*",
    "arn:aws:iam::*:role/trail-cleanup",
  ]
}

access = {
  auditor = {
    trusted         = ["arn:aws:iam::630000000004:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Audit_*"]
    source_identity = ["*@example.com"]
  }
}

adopt = {
  bucket = { parts = ["encryption", "lifecycle", "ownership", "policy", "public_access", "versioning"] }
}

# Saved queries are made in the examples; here they would only take time.
catalog = { queries = false }
