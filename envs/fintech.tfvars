# A financial services company: fifteen accounts in development, staging and production,
# deployed by runs in HCP Terraform. Every setting is explained in docs/settings.md.

name        = "fintech"
home_region = "eu-west-1"

organization = {
  id      = "o-examplefin1"
  root_id = "r-fin1"
}

accounts = {
  management = {
    id                   = "500000000001"
    role_arn             = "arn:aws:iam::500000000001:role/orgtrail-deploy"
    session_name         = "orgtrail-fintech"
    permissions_boundary = "orgtrail-boundary"
  }
  logging = {
    id                   = "500000000002"
    role_arn             = "arn:aws:iam::500000000002:role/orgtrail-deploy"
    external_id          = "fintech-audit"
    session_name         = "orgtrail-fintech"
    permissions_boundary = "orgtrail-boundary"
  }
  security = { # administers GuardDuty and its neighbours
    id       = "500000000003"
    role_arn = "arn:aws:iam::500000000003:role/orgtrail-deploy"
  }
  shared-services        = { id = "500000000004" }
  payments-development   = { id = "500000000011" }
  payments-staging       = { id = "500000000012" }
  payments-production    = { id = "500000000013" }
  lending-development    = { id = "500000000021" }
  lending-staging        = { id = "500000000022" }
  lending-production     = { id = "500000000023" }
  data-development       = { id = "500000000031" }
  data-staging           = { id = "500000000032" }
  data-production        = { id = "500000000033" }
  mobile-staging         = { id = "500000000042" }
  mobile-production      = { id = "500000000043" }
}

tags = {
  ManagedBy  = "orgtrail"
  CostCenter = "audit"
}

trail = {
  name       = "fintech-organization-trail"
  key_prefix = "organization"
  insights   = ["ApiCallRateInsight", "ApiErrorRateInsight"]
}

recording = {
  data = [
    { service = "s3", arns = ["arn:aws:s3:::example-fintech-payments"], access = "write" },
    { service = "lambda", arns = ["arn:aws:lambda:eu-west-1:500000000013:function:settlement-*"] },
  ]
  archive_access = true
}

# PCI DSS asks for one year, three months of them at hand; banking law for seven.
archive = {
  bucket                     = "example-fintech-audit-archive"
  access_log_bucket          = "example-fintech-audit-access"
  glacier_after_days         = 400
  deep_archive_after_days    = 800
  expire_after_days          = 2922
  noncurrent_expire_after_days = 30
  object_lock                = { mode = "COMPLIANCE", days = 2557 }
}

key = {
  alias          = "alias/fintech-audit"
  administrators = ["arn:aws:iam::500000000002:role/key-administrator"]
}

guardrails = {
  targets                 = ["r-fin1"]
  exempt_roles            = ["arn:aws:iam::500000000002:role/orgtrail-deploy"]
  resource_control_policy = true
}

# Accounts and regions are completed from AWS at every plan, so that none is invisible.
catalog = {
  database  = "audit"
  workgroup = "audit"
  accounts  = "organization"
}

backend = {
  type         = "cloud"
  organization = "example-fintech"
  project      = "security"
  workspace    = "organization-trail"
}

# Each team reads the log files of its own account, by a role that it makes itself.
access = {
  member_readers = {
    role_name = "audit-reader"
  }
}

siem = {
  reader = {
    trusted     = ["arn:aws:iam::888888888888:role/siem-collector"]
    external_id = "fintech-siem-4711"
  }
}

guardduty = {
  administrator = "security"
  regions       = ["eu-west-1", "eu-central-1", "us-east-1"]
  features      = ["S3_DATA_EVENTS", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS"]
}

alarms = {
  subscribers = {
    https = ["https://events.example.com/cloudwatch/fintech"]
  }
  tuning = {
    unauthorized-calls     = { threshold = 20, period_minutes = 10 }
    console-login-failures = { threshold = 5 }
  }
}
