"""Access to AWS: sessions, roles and clients, and what an error from AWS means for the user."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from orgtrail.errors import OrgtrailError
from orgtrail.regions import partition

if TYPE_CHECKING:
    # Settings are slow to import, and verifying by bucket and ARN needs none.
    from orgtrail.settings.environment import Account, Environment

SESSION_NAME = "orgtrail"
"""The session name of a role if the environment file sets none."""

_CLIENT_LOCK = Lock()
_ATTEMPTS = 5
_CONNECT_SECONDS, _READ_SECONDS = 10, 30


class Cause(StrEnum):
    """Why AWS refused a request."""

    THROTTLED = "throttled"
    DENIED = "denied"
    DENIED_BY_POLICY = "denied by a policy"
    CREDENTIALS = "credentials"
    CLOCK = "clock"
    REGION = "region"
    KEY = "key"
    NETWORK = "network"
    OTHER = "other"


_CODES = {
    Cause.DENIED: (
        "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError",
        "AuthorizationErrorException", "AllAccessDisabled", "AccountProblem", "403",
        "KMSAccessDeniedException", "KMS.AccessDeniedException",
    ),
    Cause.CREDENTIALS: (
        "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken",
        "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSignatureException",
        "AuthorizationHeaderMalformed", "IncompleteSignature", "MissingAuthenticationToken",
        "RequestExpired",
    ),
    Cause.CLOCK: ("RequestTimeTooSkewed", "RequestInTheFuture"),
    Cause.REGION: (
        "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired",
        "RegionDisabledException", "InvalidRegionException",
    ),
    Cause.KEY: (
        "KMS.DisabledException", "KMS.NotFoundException", "KMS.InvalidStateException",
        "KMS.KMSInvalidStateException", "KMS.InvalidKeyUsageException", "DisabledException",
        "KMSInvalidStateException", "KMSDisabledException", "KMSNotFoundException",
    ),
    Cause.THROTTLED: (
        "SlowDown", "ServiceUnavailable", "TooManyRequestsException", "RequestLimitExceeded",
        "BandwidthLimitExceeded", "PriorRequestNotComplete", "KMS.LimitExceededException",
    ),
}  # fmt: skip
"""Error codes by cause.
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
"""
_CAUSES = {code: each for each, codes in _CODES.items() for code in codes}

_EXPLICIT = re.compile(r"explicit deny in (an? [a-z][a-z -]*(?:policy|boundary))", re.IGNORECASE)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""

_STEPS = {
    Cause.THROTTLED: "AWS throttles the requests: run again in a minute",
    Cause.CREDENTIALS: (
        "renew the credentials (aws sso login, or assume the role again), then run again"
    ),
    Cause.CLOCK: "set the clock of this machine: AWS refuses a difference of more than 15 minutes",
    Cause.REGION: (
        "the region is not enabled for these credentials: enable it in their account; for a "
        "session of the global endpoint of STS, set AWS_STS_REGIONAL_ENDPOINTS=regional"
    ),
    Cause.KEY: (
        "the KMS key cannot be used: see its state with aws kms describe-key, then enable it, or "
        "cancel its deletion"
    ),
    Cause.NETWORK: (
        "see whether this machine reaches AWS (proxy, DNS, endpoint of the VPC), then run again"
    ),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error from AWS means.

    Attributes:
        cause: why AWS refused the request.
        code: AWS's error code; empty if AWS was not reached.
        message: AWS's message, in one line.
        reason: code and message.
        step: what to do next; empty if that depends on the request.

    """

    cause: Cause
    code: str
    message: str
    reason: str
    step: str

    @property
    def text(self) -> str:
        """The reason, and the step if there is one."""
        return f"{self.reason}; {self.step}" if self.step else self.reason


def cause_of(code: str, message: str = "") -> Cause:
    """Return the cause for an error's code and message."""
    if "throttl" in code.lower():
        return Cause.THROTTLED
    found = _CAUSES.get(code, Cause.OTHER)
    if found is Cause.DENIED and _EXPLICIT.search(message):
        return Cause.DENIED_BY_POLICY
    return found


def step_for(cause: Cause, message: str = "") -> str:
    """Return the next step for a cause; empty if it depends on the request."""
    if cause is Cause.DENIED_BY_POLICY:
        found = _EXPLICIT.search(message)
        policy = found[1] if found else "a policy"
        return (
            f"a statement of {policy} denies it, so no permission of the role helps: change "
            "that statement, or use a role that it exempts"
        )
    return _STEPS.get(cause, "")


def explain(error: Exception) -> Refusal:
    """Explain a boto3 exception.

    Args:
        error: a `ClientError`, a `BotoCoreError` or anything else that a call raised.

    """
    response = getattr(error, "response", None)
    about = response.get("Error", {}) if isinstance(response, dict) else {}
    code, message = str(about.get("Code", "")), one_line(str(about.get("Message", "")))
    if code:
        cause = cause_of(code, message)
        reason = f"{code}: {message}".rstrip(": ")
        return Refusal(cause, code, message, reason, step_for(cause, message))
    from botocore import exceptions

    reason = one_line(f"{error}" or type(error).__name__)
    network = (exceptions.HTTPClientError, exceptions.EndpointConnectionError)
    missing = (
        exceptions.NoCredentialsError, exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError, exceptions.ProfileNotFound,
        exceptions.TokenRetrievalError, exceptions.SSOError,
    )  # fmt: skip
    if isinstance(error, missing):
        # There is nothing to renew; only the caller knows where credentials should come from.
        return Refusal(Cause.CREDENTIALS, "", reason, reason, "")
    cause = Cause.NETWORK if isinstance(error, network) else Cause.OTHER
    return Refusal(cause, "", reason, reason, step_for(cause))


def one_line(text: str, most: int = 300) -> str:
    """Return an AWS message without line breaks, cut to `most` characters."""
    return " ".join(text.split())[:most]


def session(
    region: str,
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    external_id: str | None = None,
    session_name: str = SESSION_NAME,
) -> Any:
    """Return a boto3 session; the session of a role renews its credentials automatically.

    Args:
        region: the default region of its clients.
        profile: a profile of the shared configuration; None for the credentials that boto3 finds.
        role_arn: a role to assume; None for none.
        external_id: the external id that the role's trust policy requires.
        session_name: the session name, as the trail will record it.

    Raises:
        botocore.exceptions.BotoCoreError: there is no such profile, or there are no credentials.
        botocore.exceptions.ClientError: the role cannot be assumed.

    """
    import boto3

    inner = _bare_session(profile)
    base = boto3.Session(botocore_session=inner, region_name=region)
    if not role_arn:
        return base
    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    if base.get_credentials() is None:
        raise NoCredentialsError
    given = {"RoleArn": role_arn, "RoleSessionName": session_name}
    if external_id:
        given["ExternalId"] = external_id
    sts = client(base, "sts", region)

    def assumed() -> dict[str, str]:
        made = sts.assume_role(**given)["Credentials"]
        return {
            "access_key": made["AccessKeyId"],
            "secret_key": made["SecretAccessKey"],
            "token": made["SessionToken"],
            "expiry_time": made["Expiration"].isoformat(),
        }

    inner = _bare_session(None)
    inner._credentials = RefreshableCredentials.create_from_metadata(  # noqa: SLF001
        metadata=assumed(), refresh_using=assumed, method="assume-role"
    )
    return boto3.Session(botocore_session=inner, region_name=region)


def _bare_session(profile: str | None) -> Any:
    import botocore.session

    made = botocore.session.Session(profile=profile)
    made.set_default_client_config(_config())
    return made


def session_for(
    account: Account, region: str, role_arn: str | None, profile: str | None = None
) -> Any:
    """Return a session in an account of an environment file.

    Args:
        account: the account's settings.
        region: the default region of its clients.
        role_arn: the role to assume; None for none.
        profile: a profile to use instead of the file's.

    Raises:
        botocore.exceptions.BotoCoreError: there are no credentials.
        botocore.exceptions.ClientError: the role cannot be assumed.

    """
    return session(
        region,
        profile=profile or account.profile,
        role_arn=role_arn,
        external_id=account.external_id if role_arn == account.role_arn else None,
        session_name=account.session_name,
    )


def role_in(env: Environment, name: str, role: str | None) -> str | None:
    """Return the ARN of the role to assume in an account; None for none.

    Args:
        env: the settings.
        name: the account's name in the file.
        role: the name or ARN of a role to use instead of the file's.

    """
    account = env.accounts[name]
    if not role:
        return account.role_arn
    if role.startswith("arn:"):
        return role
    return f"arn:{partition(env.home_region)}:iam::{account.id}:role/{role}"


def session_in(
    env: Environment, name: str, role: str | None = None, profile: str | None = None
) -> Any:
    """Return a boto3 session in an account: the current credentials if they fit, else its role.

    Args:
        env: the settings.
        name: the account's name in the file.
        role: the name or ARN of a role to use instead of the file's.
        profile: a profile to use instead of the file's.

    Raises:
        OrgtrailError: there are no credentials for the account.

    """
    account = env.accounts[name]
    arn = role_in(env, name, role)
    try:
        base = session_for(account, env.home_region, None, profile)
        if not arn or (_is_in(base, account.id, env.home_region) and arn == account.role_arn):
            return base
        return session_for(account, env.home_region, arn, profile)
    except Exception as error:  # noqa: BLE001  # a provider of credentials may raise anything
        raise _unreachable(f"accounts.{name} ({account.id})", arn, error) from None


def _is_in(session: Any, account: str, region: str) -> bool:
    """Return whether a session's credentials belong to an account."""
    from botocore.exceptions import ClientError

    try:
        identity = client(session, "sts", region).get_caller_identity()
    except ClientError:
        # A caller that may not call GetCallerIdentity may still assume the role.
        return False
    return bool(identity.get("Account") == account)


def session_from_options(role: str | None, profile: str | None, region: str) -> Any:
    """Return a boto3 session for a command without an environment file.

    Args:
        role: the ARN of a role to assume; None for none.
        profile: a profile; None for the credentials that boto3 finds.
        region: the default region of its clients.

    Raises:
        OrgtrailError: the role is not an ARN, or there are no credentials.

    """
    if role and not role.startswith("arn:"):
        raise OrgtrailError(
            f"--role: must be a role's ARN where no --env says the account; got {role!r}"
        )
    try:
        return session(region, profile=profile, role_arn=role)
    except Exception as error:  # noqa: BLE001  # a provider of credentials may raise anything
        raise _unreachable("credentials", role, error) from None


def _unreachable(who: str, role: str | None, error: Exception) -> OrgtrailError:
    """Return the error for missing credentials of an account, with the next step."""
    refusal = explain(error)
    what = f"sts:AssumeRole of {role}: " if role and refusal.code else ""
    step = refusal.step or (
        "let the role's trust name whoever runs this, or give another with --role or --profile"
        if refusal.cause is Cause.DENIED
        else "set AWS_PROFILE, or give --profile"
    )
    return OrgtrailError(f"{who} cannot be reached: {what}{refusal.reason}; {step}")


def client(session: Any, service: str, region: str) -> Any:
    """Return a client for a service in a region; safe to call from several threads."""
    # boto3 sessions are not thread-safe while they create a client.
    with _CLIENT_LOCK:
        return session.client(service, region_name=region)


def _config() -> Any:
    """Return the configuration of all clients: retries, timeouts and the user agent."""
    from botocore.config import Config

    # A custom endpoint rarely has a host name for each bucket.
    own = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} & os.environ.keys()
    return Config(
        retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=32,
        user_agent_extra=user_agent(),
        s3={"addressing_style": "path"} if own else None,
    )


@cache
def user_agent() -> str:
    """Return the name and version that AWS logs show for orgtrail's requests."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"orgtrail/{version('orgtrail')}"
    except PackageNotFoundError:
        return "orgtrail"
