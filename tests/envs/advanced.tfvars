# Advanced selectors, kept as they are, with every operator; runs on a private Terraform Enterprise.
home_region = "eu-central-1"

organization = { id = "o-exampleadv1", root_id = "r-adv1" }

accounts = {
  management = { id = "620000000001" }
  logging    = { id = "620000000002" }
}

trail = {
  advanced_event_selectors = [
    { name = "Management", fields = [{ field = "eventCategory", equals = ["Management"] }] },
    {
      name = "Some objects"
      fields = [
        { field = "eventCategory", equals = ["Data"] },
        { field = "resources.type", equals = ["AWS::S3::Object"] },
        {
          field           = "resources.ARN"
          starts_with     = ["arn:aws:s3:::example-"]
          not_starts_with = ["arn:aws:s3:::example-advanced-"]
          not_ends_with   = [".tmp"]
          not_equals      = ["arn:aws:s3:::example-photos/index"]
        },
        { field = "eventName", ends_with = ["Object"] },
      ]
    },
  ]
}

archive = { bucket = "example-advanced-archive" }

guardrails = { exempt_roles = ["arn:aws:iam::620000000002:role/hcp"] }

delivery = { enabled = false }

backend = {
  type         = "cloud"
  organization = "example"
  workspace    = "trail"
  project      = "audit"
  hostname     = "terraform.example.com"
}
