# Not an example to copy: the plan turns on trusted access itself, and lists no accounts.
home_region = "eu-central-1"

organization = {
  id                    = "o-exampletrust"
  root_id               = "r-trst"
  enable_trusted_access = true
  list_accounts         = false
}

accounts = {
  management = { id = "640000000001" }
  logging    = { id = "640000000002", role_arn = "arn:aws:iam::640000000002:role/deploy" }
  security   = { id = "640000000003", role_arn = "arn:aws:iam::640000000003:role/deploy" }
}

guardrails = {
  exempt_roles = ["arn:aws:iam::640000000002:role/deploy", "arn:aws:iam::640000000003:role/deploy"]
}

archive = { bucket = "example-trusting-archive" }

catalog = { accounts = "file" }

guardduty = {
  administrator = "security"
  features      = ["EBS_MALWARE_PROTECTION"]
}

access_analyzer = {}
