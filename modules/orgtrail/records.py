"""The CloudTrail record: every field and its type, up to eventVersion 1.11.

It defines the Glue table, and everything that reads records uses it. AWS's own table lacks the
fields marked "not in AWS's table". They are needed to follow a person through role chaining, see
a central root session or recognize a management event.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

VERSION = "1.11"
"""The newest eventVersion that the fields cover."""

CLOUDTRAIL_LAUNCH = datetime(2013, 11, 13, tzinfo=UTC)
"""The day AWS announced CloudTrail: no record is older."""

LARGEST_LOG = 512 << 20
"""Most decompressed bytes to read from a log file; CloudTrail's have at most 50 MB."""


@dataclass(frozen=True, slots=True)
class Struct:
    """A record of named fields."""

    fields: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class List:
    """A list of values of one type."""

    of: Type


@dataclass(frozen=True, slots=True)
class Map:
    """A map from text to text."""


Type = str | Struct | List | Map
"""`STRING`, `JSON`, or nested types. Booleans are read as text, since records may have either."""

STRING = "string"

JSON = "json"
"""JSON text; each service decides its shape."""


@dataclass(frozen=True, slots=True)
class Field:
    """One top-level field of a record."""

    name: str
    type: Type = STRING
    since: str = "1.0"
    """The eventVersion that introduced it."""
    meaning: str = ""


def _struct(*texts: str, **others: Type) -> Struct:
    return Struct((*((name, STRING) for name in texts), *others.items()))


_ISSUER = _struct("type", "principalId", "arn", "accountId", "userName")

_SESSION = _struct(
    "sourceIdentity",  # not in AWS's table
    "assumedRoot",  # not in AWS's table
    "ec2RoleDelivery",
    "ec2IssuedInVpc",  # not in AWS's table
    # Some records have the console's flag here too; not in AWS's table.
    attributes=_struct("mfaAuthenticated", "creationDate", "sessionCredentialFromConsole"),
    sessionIssuer=_ISSUER,
    webIdFederationData=_struct("federatedProvider", attributes=Map()),
)

_IDENTITY = _struct(
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "identityProvider",  # not in AWS's table
    "credentialId",  # not in AWS's table
    sessionContext=_SESSION,
    onBehalfOf=_struct("userId", "identityStoreArn"),
    invokedByDelegate=_struct("accountId"),  # not in AWS's table
    inScopeOf=_struct(
        "sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo"
    ),  # not in AWS's table
)

_CONTEXT = _struct(
    requestContext=Map(),
    tagContext=_struct(principalTags=Map(), resourceTags=List(_struct("arn", tags=Map()))),
)

FIELDS = (
    Field("eventVersion", meaning="version of the record's format"),
    Field("userIdentity", _IDENTITY, meaning="who called"),
    Field("eventTime", meaning="when the call ended, ISO 8601 in UTC"),
    Field("eventSource", meaning="service that was called"),
    Field("eventName", meaning="the action"),
    Field("awsRegion", meaning="region of the call; the log file may lie under another"),
    Field("sourceIPAddress", meaning="IP address or AWS service name of the caller"),
    Field("userAgent", meaning="program of the caller, as it names itself"),
    Field("errorCode", meaning="why the call failed, absent where it did not"),
    Field("errorMessage", meaning="the failure in words"),
    Field("requestParameters", JSON, meaning="parameters, as JSON text"),
    Field(
        "responseElements",
        JSON,
        meaning="answer of a call that changes something, as JSON text",
    ),
    Field("additionalEventData", JSON, meaning="what else the service tells, as JSON text"),
    Field("requestID", since="1.01", meaning="id of the request"),
    Field("eventID", since="1.01", meaning="id of the event; delivered twice, it is the same"),
    Field("readOnly", since="1.01", meaning="true where nothing was changed"),
    Field(
        "resources",
        List(_struct("ARN", "accountId", "type", "ARNPrefix")),
        "1.01",
        "resources touched; ARNPrefix is not in AWS's table",
    ),
    Field("apiVersion", since="1.01", meaning="version of the service's API"),
    Field("eventType", since="1.02", meaning="AwsApiCall, AwsConsoleSignIn, AwsServiceEvent ..."),
    Field("recipientAccountId", since="1.02", meaning="account that received the event"),
    Field("sharedEventID", since="1.03", meaning="id shared by both accounts' copies"),
    Field("vpcEndpointId", since="1.04", meaning="VPC endpoint of the call"),
    Field(
        "serviceEventDetails",
        JSON,
        since="1.05",
        meaning="a service event's details, as JSON text",
    ),
    Field("managementEvent", since="1.06", meaning="true for management; not in AWS's table"),
    Field("eventCategory", since="1.07", meaning="Management, Data, NetworkActivity or Insight"),
    Field("sessionCredentialFromConsole", since="1.08", meaning="true for console sessions"),
    Field("edgeDeviceDetails", JSON, since="1.08", meaning="edge device, as JSON text"),
    Field(
        "tlsDetails",
        _struct("tlsVersion", "cipherSuite", "clientProvidedHostHeader"),
        "1.08",
        "TLS of the call",
    ),
    Field("vpcEndpointAccountId", since="1.09", meaning="owner of the VPC endpoint"),
    Field(
        "addendum",
        _struct("reason", "updatedFields", "originalUID", "originalRequestID", "originalEventID"),
        "1.10",
        "correction of an earlier event",
    ),
    Field(
        "eventContext", _CONTEXT, "1.11", "tags and condition keys; not in AWS's table"
    ),
)  # fmt: skip

PARTITIONS = (
    Field("account", meaning="account whose folder the log file lies in"),
    Field("region", meaning="region whose folder the log file lies in"),
    Field("day", meaning="day of delivery, yyyy/MM/dd"),
)
"""From the key of a log file; awsRegion and eventTime of a record may differ."""


def hive(kind: Type) -> str:
    """Return a type in the notation of Hive and Glue, with names in lower case."""
    match kind:
        case Struct(fields):
            inner = ",".join(f"{name.lower()}:{hive(each)}" for name, each in fields)
            return f"struct<{inner}>"
        case List(of):
            return f"array<{hive(of)}>"
        case Map():
            return "map<string,string>"
        case _:
            return STRING


def duck(kind: Type, names: Collection[str] | None = None) -> object:
    """Return a type for DuckDB's `json_transform`, with names as in records.

    Args:
        kind: the type.
        names: the nested fields to include, in lower case; None for all.

    """
    match kind:
        case Struct(fields):
            return {
                name: duck(each, names)
                for name, each in fields
                if names is None or name.lower() in names
            }
        case List(of):
            return [duck(of, names)]
        case Map():
            return "MAP(VARCHAR, VARCHAR)"
        case _:
            return "JSON" if kind == JSON else "VARCHAR"
