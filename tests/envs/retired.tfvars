# After a change: the security account administered GuardDuty, and no longer does: what is there goes
# with the next apply. Access Analyzer was in three regions, and is in two.

name        = "retired"
home_region = "eu-central-1"

organization = {
  id      = "o-exampleretired"
  root_id = "r-retd"
}

accounts = {
  management = {
    id       = "611111111111"
    role_arn = "arn:aws:iam::611111111111:role/orgtrail-deploy"
  }
  logging = {
    id       = "622222222222"
    role_arn = "arn:aws:iam::622222222222:role/orgtrail-deploy"
  }
  security = {
    id       = "633333333333"
    role_arn = "arn:aws:iam::633333333333:role/orgtrail-deploy"
  }
}

retired = { accounts = ["security"] }

archive = { bucket = "example-retired-archive" }

access_analyzer = { regions = ["eu-central-1", "eu-west-1"] }
