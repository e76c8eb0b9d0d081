# Not an example to copy: every option that the two demos leave at its default.
name        = "everything"
home_region = "us-east-1"

organization = {
  id      = "o-exampleall1"
  root_id = "r-all1"
}

accounts = {
  management = {
    id      = "600000000001"
    profile = "everything-management"
  }
  logging = {
    id           = "600000000002"
    role_arn     = "arn:aws:iam::600000000002:role/deploy"
    external_id  = "everything"
    session_name = "everything"
  }
  security   = { id = "600000000003", profile = "everything-security" }
  production = { id = "600000000004", ou = "r-all1/ou-all1-abcdefgh" }
}

tags = { Environment = "test" }

trail = {
  name                    = "everything"
  key_prefix              = "audit/trail"
  multi_region            = false
  global_events           = false
  log_file_validation     = false
  enabled                 = false
  insights                = ["ApiErrorRateInsight"]
  delegated_administrator = "security"
  sns_topic               = { name = "everything-notices" }
}

recording = {
  management = "write"
  leave_out  = ["kms.amazonaws.com", "rdsdata.amazonaws.com"]
  data = [
    { service = "s3" },
    { service = "s3", arns = ["arn:aws:s3:::example-photos/2026/*"], access = "read" },
    { service = "dynamodb", access = "read" },
    {
      service = "lambda"
      arns    = ["arn:aws:lambda:us-east-1:600000000004:function:pay", "arn:aws:lambda:us-east-1:600000000004:function:refund-*"]
      access  = "write"
    },
  ]
  network = [
    { source = "s3.amazonaws.com" },
    { source = "kms.amazonaws.com", denied_only = false, endpoints = ["vpce-0123456789abcdef0"] },
  ]
  archive_access = true
}

archive = {
  bucket                       = "example-everything-archive"
  access_log_bucket            = "example-everything-access"
  access_log_expire_after_days = 500
  glacier_after_days           = 200
  deep_archive_after_days      = 400
  expire_after_days            = 4000
  noncurrent_expire_after_days = 60
  object_lock                  = { mode = "GOVERNANCE", days = 30 }
  break_glass_roles            = ["arn:aws:iam::600000000002:role/break-glass"]
  notifications = [
    { arn = "arn:aws:sns:us-east-1:600000000002:removals", events = ["s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"] },
    { arn = "arn:aws:sqs:us-east-1:600000000004:config", events = ["s3:ObjectCreated:Put"], prefix = "config/", suffix = ".json" },
    { arn = "arn:aws:lambda:us-east-1:600000000002:function:restored", events = ["s3:ObjectRestore:Completed"] },
  ]
  eventbridge        = true
  destroy_protection = false
}

key = {
  alias                = "alias/everything"
  rotation_days        = 100
  deletion_window_days = 7
  administrators       = ["arn:aws:iam::600000000002:role/key-administrator"]
}

delivery = {
  enabled        = true
  log_group      = "/audit/everything"
  role_name      = "everything-delivery"
  retention_days = 90
  kms_key_arn    = "arn:aws:kms:us-east-1:600000000001:key/11111111-2222-3333-4444-555555555555"
}

guardrails = {
  targets     = ["ou-all1-abcdefgh", "600000000002"]
  policy_name = "everything"
  exempt_roles = [
    "arn:aws:iam::600000000002:role/deploy",
    "arn:aws:iam::600000000003:role/deploy",
  ]
  resource_control_policy = true
}

catalog = {
  database                 = "everything"
  table                    = "events"
  workgroup                = "everything"
  accounts                 = "file"
  regions                  = ["us-east-1"]
  first_day                = "2026-01-01"
  queries                  = false
  compaction = {
    table     = "compacted"
    bucket    = "example-everything-compacted"
    role_name = "compaction"
    hour      = 3
    keep_days = 400
  }
  bytes_scanned_limit      = 20000000
  result_bucket            = "example-everything-answers"
  result_expire_after_days = 3
}

alarms = {
  names           = ["root-user", "unauthorized-calls", "security-group-changes", "delivery-silence"]
  patterns        = "cis"
  by_account      = true
  totals          = false
  silence_minutes = 90
  tuning          = { unauthorized-calls = { threshold = 7, period_minutes = 15 } }
  namespace       = "Everything"
  topic           = "everything-alarms"
  chat_role_name  = "everything-chat"
  subscribers = {
    email = ["audit@example.com", "night@example.com"]
    https = ["https://events.example.com/hook"]
    slack = { audit = { team_id = "T07EA123LEP", channel_id = "C07EZ1ABC23" } }
    teams = {
      night = {
        tenant_id  = "11111111-2222-3333-4444-555555555555"
        team_id    = "66666666-7777-8888-9999-000000000000"
        channel_id = "19%3Aab3f@thread.tacv2"
      }
    }
  }
}

access = {
  auditor = {
    role_name       = "everything-auditor"
    trusted         = ["arn:aws:iam::600000000004:root", "arn:aws:iam::700000000001:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Audit_*"]
    mfa             = false
    external_id     = "everything-audit"
    source_identity = ["*@audit.example"]
    session_hours   = 12
  }
  member_readers = {
    role_name = "everything-reader"
    accounts  = ["production", "security"]
  }
}

siem = {
  topic               = "everything-files"
  queue               = "everything-files"
  visibility_seconds  = 600
  retention_days      = 14
  max_receives        = 3
  subscriber_accounts = ["700000000002"]
  reader = {
    role_name   = "everything-siem"
    trusted     = ["arn:aws:iam::700000000002:root"]
    external_id = "everything-siem"
  }
}

verification = {
  hour               = 5
  hours              = 30
  package            = "orgtrail[verify]==0.1.0"
  image              = "aws/codebuild/standard:7.0"
  timeout_minutes    = 60
  project            = "verification"
  role_name          = "verification"
  schedule_role_name = "verification-start"
  log_group          = "/audit/verification"
  log_days           = 90
}

guardduty = {
  administrator     = "security"
  regions           = ["us-east-1", "me-central-1"]
  members           = "NEW"
  features          = ["RUNTIME_MONITORING", "EBS_MALWARE_PROTECTION"]
  runtime_agents    = ["EKS_ADDON_MANAGEMENT"]
  finding_frequency = "SIX_HOURS"
  export            = { bucket = "example-everything-findings", expire_after_days = 60 }
}

security_hub = {
  administrator = "security"
  regions       = ["us-east-1", "eu-west-1"]
  standards     = ["cis-3.0.0", "pci-dss"]
}

access_analyzer = {
  administrator      = "security"
  regions            = ["us-east-1", "eu-west-1"]
  unused_access_days = 90
}

backend = {
  type        = "s3"
  bucket      = "example-everything-state"
  region      = "us-east-1"
  key         = "audit/everything.tfstate"
  kms_key_arn = "arn:aws:kms:us-east-1:600000000001:key/11111111-2222-3333-4444-555555555555"
  profile     = "everything-state"
  role_arn    = "arn:aws:iam::600000000001:role/state"
}
