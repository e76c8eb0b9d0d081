# Basic selectors, kept as they are; everything else at its default, in a partition of its own.
home_region = "us-gov-west-1"

organization = { id = "o-examplegov1", root_id = "r-gov1" }

accounts = {
  management = { id = "610000000001" }
  logging    = { id = "610000000002", role_arn = "arn:aws-us-gov:iam::610000000002:role/deploy" }
}

trail = {
  event_selectors = [
    {
      read_write_type                  = "WriteOnly"
      include_management_events        = true
      exclude_management_event_sources = ["rdsdata.amazonaws.com"]
      data_resources = [
        { type = "AWS::DynamoDB::Table", values = ["arn:aws-us-gov:dynamodb"] },
        { type = "AWS::S3::Object", values = ["arn:aws-us-gov:s3:::example-photos/"] },
      ]
    },
  ]
}

archive = { bucket = "example-basic-archive" }

guardduty = { export = null }

backend = { type = "local" }
