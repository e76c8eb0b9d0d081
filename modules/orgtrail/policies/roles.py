"""Policies of the role that CloudTrail delivers to CloudWatch Logs with."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies.document import Document, document
from orgtrail.settings.environment import Environment


def delivery_trust(env: Environment) -> Document:
    """Return the trust policy: CloudTrail, for this trail alone."""
    return document(
        {
            "Sid": "CloudTrailDelivers",
            "Effect": "Allow",
            "Principal": {"Service": naming.CLOUDTRAIL},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceArn": naming.trail_arn(env)}},
        }
    )


def delivery(env: Environment) -> Document:
    """Return the permissions: the two kinds of stream that the trail writes, nothing else.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    return document(
        {
            "Sid": "WriteTrailStreams",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": naming.log_stream_arns(env),
        }
    )
