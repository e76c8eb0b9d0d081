"""The actions of the attacks, by kind of resource: each title in words, and its API action."""

from __future__ import annotations

TRAIL_ACTIONS = {
    "stop the trail": "StopLogging",
    "delete the trail": "DeleteTrail",
    "update the trail": "UpdateTrail",
    "narrow what the trail records": "PutEventSelectors",
    "change what its events hold": "PutEventConfiguration",
    "stop the trail's insights": "PutInsightSelectors",
}
LOG_GROUP_ACTIONS = {
    "delete the log group": "DeleteLogGroup",
    "delete a stream of the log group": "DeleteLogStream",
    "shorten the log group's retention": "PutRetentionPolicy",
    "take the log group's retention away": "DeleteRetentionPolicy",
    "encrypt the log group with another key": "AssociateKmsKey",
    "stop encrypting the log group": "DisassociateKmsKey",
    "mask what the log group holds": "PutDataProtectionPolicy",
    "show what the log group masks": "DeleteDataProtectionPolicy",
    "rewrite what the log group takes in": "PutTransformer",
}
ORGANIZATION_ACTIONS = {
    "detach the service control policy": "DetachPolicy",
    "change the service control policy": "UpdatePolicy",
}
MEMBER_ACTIONS = {
    "leave the organization": "organizations:LeaveOrganization",
    "move to another organization by its invitation": "organizations:AcceptHandshake",
    "close the account": "account:CloseAccount",
    "turn a region of the account off": "account:DisableRegion",
}
"""Remove a member account, or one of its regions, from the trail; with the service prefix."""
FORGING_ACTIONS = {
    "write a log file by replication": "ReplicateObject",
    "encrypt a log file with another key": "UpdateObjectEncryption",
}
DELETING_ACTIONS = {
    "delete a log file": "DeleteObject",
    "delete a log file by replication": "ReplicateDelete",
}
HOLDING_ACTIONS = {
    "lock a log file for longer": "PutObjectRetention",
    "put a legal hold on a log file": "PutObjectLegalHold",
}
BUCKET_ACTIONS = {
    "change the archive's policy": "PutBucketPolicy",
    "delete the archive's policy": "DeleteBucketPolicy",
    "change the archive's lifecycle, and so shorten retention": "PutLifecycleConfiguration",
    "suspend the archive's versioning": "PutBucketVersioning",
    "change the archive's lock": "PutBucketObjectLockConfiguration",
    "change the archive's encryption": "PutEncryptionConfiguration",
    "open the archive to the public": "PutBucketPublicAccessBlock",
    "change the archive's ACL": "PutBucketAcl",
    "give objects of the archive another owner": "PutBucketOwnershipControls",
    "replicate the archive elsewhere": "PutReplicationConfiguration",
    "stop the archive's access log": "PutBucketLogging",
    "make the requester pay, which stops delivery": "PutBucketRequestPayment",
    "change where the archive reports new files": "PutBucketNotification",
    "delete the archive": "DeleteBucket",
}
DELETE_KEY = "schedule the key's deletion"
KEY_ACTIONS = {
    DELETE_KEY: "ScheduleKeyDeletion",
    "disable the key": "DisableKey",
    "change the key's policy": "PutKeyPolicy",
}
"""Make every log file unreadable, even a locked one, or change who can read: break-glass only."""
ALIAS_ACTIONS = {
    "delete the key's alias": "DeleteAlias",
    "give the key's alias to another key": "UpdateAlias",
}
"""Need permission on both the alias and the key; policies identify the key by its alias."""
CATALOG_ACTIONS = {
    "delete the table": "DeleteTable",
    "delete the table among others": "BatchDeleteTable",
    "delete an old version of the table": "DeleteTableVersion",
    "delete old versions of the table": "BatchDeleteTableVersion",
    "give the table another name": "RenameTable",
    "change the table": "UpdateTable",
}
DATABASE_ACTIONS = {
    "delete the table's database": "DeleteDatabase",
    "change the table's database": "UpdateDatabase",
}
WORKGROUP_ACTIONS = {
    "delete the workgroup": "DeleteWorkGroup",
    "change the workgroup": "UpdateWorkGroup",
    "rewrite a saved query": "UpdateNamedQuery",
    "delete a saved query": "DeleteNamedQuery",
    "rewrite a prepared statement": "UpdatePreparedStatement",
    "delete a prepared statement": "DeletePreparedStatement",
}
SHARING_ACTIONS = {
    "change who may read the whole catalog": "PutResourcePolicy",
    "take away who may read the whole catalog": "DeleteResourcePolicy",
    "encrypt the catalog with another key": "PutDataCatalogEncryptionSettings",
}
LAKE_ACTIONS = {
    "hand the catalog to Lake Formation": "PutDataLakeSettings",
    "put the archive under Lake Formation": "RegisterResource",
    "take the archive from Lake Formation": "DeregisterResource",
    "have Lake Formation read with another role": "UpdateResource",
    "grant the table by Lake Formation": "GrantPermissions",
    "grant tables by Lake Formation": "BatchGrantPermissions",
    "revoke the table by Lake Formation": "RevokePermissions",
    "revoke tables by Lake Formation": "BatchRevokePermissions",
    "leave rows out of answers by Lake Formation": "CreateDataCellsFilter",
    "change which rows Lake Formation leaves out": "UpdateDataCellsFilter",
}
ROLE_ACTIONS = {
    "change who may assume": "UpdateAssumeRolePolicy",
    "write a policy into": "PutRolePolicy",
    "attach a policy to": "AttachRolePolicy",
    "take a policy out of": "DeleteRolePolicy",
    "detach a policy from": "DetachRolePolicy",
    "put a boundary on": "PutRolePermissionsBoundary",
    "take the boundary off": "DeleteRolePermissionsBoundary",
    "change the session of": "UpdateRole",
    "delete": "DeleteRole",
    "make": "CreateRole",
    "pass to a service of the caller's": "PassRole",
}
"""Give somebody all permissions of a role, or make the role useless."""
SIGN_IN_ACTIONS = {
    "change an identity provider of sign-ins": "UpdateSAMLProvider",
    "delete an identity provider of sign-ins": "DeleteSAMLProvider",
    "delete an identity provider of pipelines": "DeleteOpenIDConnectProvider",
    "change an identity provider of pipelines": "UpdateOpenIDConnectProviderThumbprint",
    "let pipelines in for another audience": "AddClientIDToOpenIDConnectProvider",
    "keep pipelines out": "RemoveClientIDFromOpenIDConnectProvider",
}
"""On the identity providers that the trust policies of roles depend on."""
BOUNDARY_ACTIONS = {
    "rewrite the boundary of roles": "CreatePolicyVersion",
    "put back an old boundary of roles": "SetDefaultPolicyVersion",
    "delete a version of the boundary of roles": "DeletePolicyVersion",
    "delete the boundary of roles": "DeletePolicy",
}
TOPIC_ACTIONS = {
    "let others use the feed's topic": "AddPermission",
    "take permissions from the feed's topic": "RemovePermission",
    "filter what the feed's topic passes on": "PutDataProtectionPolicy",
    "change the feed's topic": "SetTopicAttributes",
    "change a subscription of the feed's topic": "SetSubscriptionAttributes",
    "end a subscription of the feed's topic": "Unsubscribe",
    "delete the feed's topic": "DeleteTopic",
    "tell the feed's topic of a file that is none": "Publish",
}
QUEUE_ACTIONS = {
    "let others use": "AddPermission",
    "take permissions from": "RemovePermission",
    "change": "SetQueueAttributes",
    "empty": "PurgeQueue",
    "move the messages of": "StartMessageMoveTask",
    "put a false message into": "SendMessage",
    "delete": "DeleteQueue",
}
MESSAGE_ACTIONS = {
    "read messages of": "ReceiveMessage",
    "take messages out of": "DeleteMessage",
    "hide messages of": "ChangeMessageVisibility",
}
PROJECT_ACTIONS = {
    "run commands as the verifier": "StartBuild",
    "run several commands as the verifier": "StartBuildBatch",
    "run a build of the verifier again": "RetryBuild",
    "run builds of the verifier again": "RetryBuildBatch",
    "open a shell as the verifier": "StartSandbox",
    "stop a verification": "StopBuild",
    "stop several verifications": "StopBuildBatch",
    "delete reports of the verification": "BatchDeleteBuilds",
    "delete several reports of the verification": "DeleteBuildBatch",
    "change the verification": "UpdateProject",
    "open the verification's reports": "UpdateProjectVisibility",
    "have the verification started from outside": "CreateWebhook",
    "change who starts the verification from outside": "UpdateWebhook",
    "delete the verification": "DeleteProject",
}
SCHEDULE_ACTIONS = {
    "change the schedule": "UpdateSchedule",
    "delete the schedule": "DeleteSchedule",
}
GUARDDUTY_ACTIONS = {
    "archive findings": "ArchiveFindings",
    "have findings archived by a filter": "CreateFilter",
    "change a filter of findings": "UpdateFilter",
    "trust addresses": "CreateIPSet",
    "change which addresses are trusted": "UpdateIPSet",
    "trust names": "CreateTrustedEntitySet",
    "change which names are trusted": "UpdateTrustedEntitySet",
    "delete a list of threats": "DeleteThreatIntelSet",
    "change a list of threats": "UpdateThreatIntelSet",
    "delete a list of threatening names": "DeleteThreatEntitySet",
    "change a list of threatening names": "UpdateThreatEntitySet",
    "delete a detector": "DeleteDetector",
    "turn a detector off": "UpdateDetector",
    "delete members": "DeleteMembers",
    "cut members off": "DisassociateMembers",
    "leave the administrator": "DisassociateFromAdministratorAccount",
    "leave the administrator by its old name": "DisassociateFromMasterAccount",
    "stop watching members": "StopMonitoringMembers",
    "change what is watched in members": "UpdateMemberDetectors",
    "change how members are enrolled": "UpdateOrganizationConfiguration",
    "change malware scans": "UpdateMalwareScanSettings",
    "stop the export of findings": "DeletePublishingDestination",
    "send findings elsewhere": "UpdatePublishingDestination",
}
SECURITY_HUB_ACTIONS = {
    "close findings by a rule": "CreateAutomationRule",
    "change a rule that closes findings": "BatchUpdateAutomationRules",
    "turn standards off": "BatchDisableStandards",
    "turn a control off": "UpdateStandardsControl",
    "turn controls of standards off": "BatchUpdateStandardsControlAssociations",
    "change what a control asks for": "UpdateSecurityControl",
    "change what new controls do": "UpdateSecurityHubConfiguration",
    "turn it off": "DisableSecurityHub",
    "refuse a product's findings": "DisableImportFindingsForProduct",
    "delete its policy": "DeleteConfigurationPolicy",
    "change its policy": "UpdateConfigurationPolicy",
    "make another policy": "CreateConfigurationPolicy",
    "give accounts another policy": "StartConfigurationPolicyAssociation",
    "take accounts from its policy": "StartConfigurationPolicyDisassociation",
    "stop gathering findings": "DeleteFindingAggregator",
    "gather findings elsewhere": "UpdateFindingAggregator",
    "delete members": "DeleteMembers",
    "cut members off": "DisassociateMembers",
    "leave the administrator": "DisassociateFromAdministratorAccount",
    "change how members are enrolled": "UpdateOrganizationConfiguration",
}
ANALYZER_ACTIONS = {
    "archive findings": "UpdateFindings",
    "archive findings by a rule": "CreateArchiveRule",
    "archive old findings by a rule": "ApplyArchiveRule",
    "change a rule that archives findings": "UpdateArchiveRule",
    "change an analyzer": "UpdateAnalyzer",
    "delete an analyzer": "DeleteAnalyzer",
}
DETECTION_ACTIONS = {
    "guardduty": ("GuardDuty", GUARDDUTY_ACTIONS),
    "securityhub": ("Security Hub", SECURITY_HUB_ACTIONS),
    "access-analyzer": ("Access Analyzer", ANALYZER_ACTIONS),
}
"""By the IAM prefix of a detection service: its display name, and the actions on it."""
_SERVICE_RESOURCES = {
    "guardduty": "detector/0123456789abcdef0123456789abcdef",
    "securityhub": "hub/default",
    "access-analyzer": "analyzer/organization",
}
_CHILD_RESOURCES = {
    "guardduty:CreateFilter": "/filter/any",
    "guardduty:UpdateFilter": "/filter/any",
    "guardduty:UpdateIPSet": "/ipset/any",
    "guardduty:UpdateTrustedEntitySet": "/trustedentityset/any",
    "guardduty:DeleteThreatIntelSet": "/threatintelset/any",
    "guardduty:UpdateThreatIntelSet": "/threatintelset/any",
    "guardduty:DeleteThreatEntitySet": "/threatentityset/any",
    "guardduty:UpdateThreatEntitySet": "/threatentityset/any",
    "guardduty:DeletePublishingDestination": "/publishingdestination/any",
    "guardduty:UpdatePublishingDestination": "/publishingdestination/any",
    "access-analyzer:CreateArchiveRule": "/archive-rule/any",
    "access-analyzer:UpdateArchiveRule": "/archive-rule/any",
}
"""Paths below the service's resource, for actions on a child resource."""
_OTHER_RESOURCES = {
    "securityhub:BatchUpdateAutomationRules": "automation-rule/any",
    "securityhub:DeleteConfigurationPolicy": "configuration-policy/any",
    "securityhub:UpdateConfigurationPolicy": "configuration-policy/any",
    "securityhub:DeleteFindingAggregator": "finding-aggregator/any",
    "securityhub:UpdateFindingAggregator": "finding-aggregator/any",
}
"""Resources that are not below the service's resource."""
_WITHOUT_RESOURCE = {
    "guardduty:ArchiveFindings", "guardduty:CreateIPSet", "guardduty:CreateTrustedEntitySet",
    "guardduty:DeleteMembers", "guardduty:DisassociateFromAdministratorAccount",
    "guardduty:DisassociateFromMasterAccount", "guardduty:DisassociateMembers",
    "guardduty:StopMonitoringMembers", "guardduty:UpdateMalwareScanSettings",
    "guardduty:UpdateMemberDetectors", "guardduty:UpdateOrganizationConfiguration",
    "securityhub:BatchUpdateStandardsControlAssociations", "securityhub:CreateAutomationRule",
    "securityhub:CreateConfigurationPolicy",
    "securityhub:UpdateSecurityControl",
}  # fmt: skip
"""Actions that do not support resource-level permissions.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonguardduty.html"""


def detection_resource(service: str, action: str) -> str:
    """Return the resource of an action on a detection service; empty if the action has none."""
    name = f"{service}:{action}"
    if name in _WITHOUT_RESOURCE:
        return ""
    child = f"{_SERVICE_RESOURCES[service]}{_CHILD_RESOURCES.get(name, '')}"
    return _OTHER_RESOURCES.get(name, child)


KEEPING_ACTIONS = {
    "delete a file of": "DeleteObject",
    "delete an old version in": "DeleteObjectVersion",
    "write or overwrite a file of": "PutObject",
    "write by replication into": "ReplicateObject",
    "encrypt with another key a file of": "UpdateObjectEncryption",
}
"""Change what a bucket of the trail's surroundings keeps: access logs, findings, answers."""
EVIDENCE_ACTIONS = {
    "delete by replication in": "ReplicateDelete",
}
"""Change it where it is evidence: access logs, findings, compacted records."""
FORGED_STREAM_ACTIONS = {
    "make a stream of the log group": "CreateLogStream",
    "write false lines into the log group": "PutLogEvents",
}
ACCOUNT_LOG_ACTIONS = {"mask log groups by a policy of the account": "PutAccountPolicy"}
IMPORTED_KEY_ACTIONS = {"take the key's material away": "DeleteImportedKeyMaterial"}
