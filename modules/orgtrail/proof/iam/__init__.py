"""The evaluator of AWS policies: what IAM answers to a request, and which statement decided.

It stands for itself and knows nothing of trails; `evaluator` is its way in.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
