"""An evaluator of AWS policies: how IAM decides a request, and by which statement.

The package is independent of trails. Its entry point is `evaluator.evaluate`.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
