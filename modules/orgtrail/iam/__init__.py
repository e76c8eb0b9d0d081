"""An evaluator of AWS policies: how IAM answers a request, and which statement decides.

The package knows nothing of trails. Its entry point is `evaluator.evaluate`.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
