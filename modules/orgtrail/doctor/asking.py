"""How the doctor asks AWS: each account by its own credentials, each question once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from orgtrail import layout
from orgtrail.settings.accounts import Account
from orgtrail.settings.environment import Environment

Json = dict[str, Any]
Call = Callable[[str, str, str, str, Json], Any]
"""Account, region, service, operation and parameters, to the answer with all of its pages."""

_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown",
              "RequestLimitExceeded", "RequestThrottled"}  # fmt: skip
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError",
           "AuthorizationErrorException", "403", "KMSAccessDeniedException"}  # fmt: skip

_LONGEST = 300
"""Characters of a message of AWS that are told."""


class UncheckedError(Exception):
    """AWS did not answer a question; the message says why, for the user."""


class Aws:
    """The accounts of an environment that it can be asked about, read only.

    Args:
        env: the settings, with the role of each account.
        call: what makes a call; by default boto3.

    """

    def __init__(self, env: Environment, call: Call | None = None) -> None:
        """Remember no answer yet."""
        self._env = env
        self._call = call or Clients(env).call
        self._answers: dict[str, Future[Any]] = {}
        self._lock = Lock()

    def ask(
        self,
        account: str,
        service: str,
        operation: str,
        *,
        region: str = "",
        absent: tuple[str, ...] = (),
        **given: Any,
    ) -> Any:
        """Ask an account something; the answer has all of its pages.

        Args:
            account: the account's name in the file.
            service: as boto3 names it.
            operation: as boto3 names it.
            region: by default the home region.
            absent: the error codes that say that there is no such thing.
            given: the operation's parameters.

        Returns:
            the answer, or None where there is no such thing.

        Raises:
            UncheckedError: AWS did not answer.

        """
        return self._told(self._once, account, region, service, operation, absent, given)

    def fresh(self, account: str, service: str, operation: str, **given: Any) -> Any:
        """Ask what may be answered otherwise the next time; arguments are those of `ask`.

        Raises:
            UncheckedError: AWS did not answer.

        """
        return self._told(self._call, account, "", service, operation, (), given)

    def _told(
        self,
        call: Call,
        account: str,
        region: str,
        service: str,
        operation: str,
        absent: tuple[str, ...],
        given: Json,
    ) -> Any:
        """Make a call, and tell in plain words what AWS refused."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(account, region or self._env.home_region, service, operation, given)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in absent:
                return None
            raise UncheckedError(self._refused(account, service, operation, error)) from None
        except BotoCoreError as error:
            raise UncheckedError(f"{self._who(account)}: {service}:{operation}: {error}") from None

    def _once(self, account: str, region: str, service: str, operation: str, given: Json) -> Any:
        """Answer a question that was asked before as it was answered then."""
        key = repr((account, region, service, operation, sorted(given.items())))
        with self._lock:
            known = self._answers.get(key)
            if known is None:
                mine: Future[Any] = Future()
                self._answers[key] = mine
        if known is not None:
            return known.result()
        try:
            mine.set_result(self._call(account, region, service, operation, given))
        except Exception as error:  # noqa: BLE001  # whoever asks is told
            mine.set_exception(error)
        return mine.result()

    def _who(self, name: str) -> str:
        return f"accounts.{name} ({self._env.accounts[name].id})"

    def _refused(self, account: str, service: str, operation: str, error: Any) -> str:
        about = error.response.get("Error", {})
        code = about.get("Code", "")
        message = " ".join(about.get("Message", "").split())[:_LONGEST]
        action = "".join(part.capitalize() for part in operation.split("_"))
        who, what = self._who(account), f"{service}:{action}"
        if code in _THROTTLED:
            return f"{who}: AWS throttles {what} ({code}); run the doctor again in a minute"
        if code in _DENIED:
            return (
                f"{who}: {what} is denied ({message}); give the role what "
                f"`orgtrail permissions FILE {account} --for doctor` prints, then run again"
            )
        return f"{who}: {what}: AWS answers {code}: {message}"


class Clients:
    """Clients of boto3 for each account, made when they are first needed.

    Args:
        env: the settings.
        role: name of a role to assume in each account, in place of those of the settings.

    """

    def __init__(self, env: Environment, role: str | None = None) -> None:
        """Make none yet."""
        self._env = env
        self._role = role
        self._sessions: dict[str, Any] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        # A session makes one client at a time.
        self._lock = Lock()

    def call(self, account: str, region: str, service: str, operation: str, given: Json) -> Any:
        """Make a call, to the last page of its answer."""
        client = self.client(account, region, service)
        if client.can_paginate(operation):
            return client.get_paginator(operation).paginate(**given).build_full_result()
        return getattr(client, operation)(**given)

    def client(self, account: str, region: str, service: str) -> Any:
        """Return the client of an account for a service in a region."""
        key = (account, region, service)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = _client(self._session(account), service, region)
            return self._clients[key]

    def _session(self, account: str) -> Any:
        if account not in self._sessions:
            given = self._env.accounts[account]
            role = _role(self._env, given, self._role)
            self._sessions[account] = session(given, role, self._env.home_region)
        return self._sessions[account]


def session(account: Account, role: str | None, region: str) -> Any:
    """Return a boto3 session with the profile of an account and a role in it.

    Raises:
        botocore.exceptions.BotoCoreError: there are no credentials.
        botocore.exceptions.ClientError: the role cannot be assumed.

    """
    import boto3

    base = boto3.Session(profile_name=account.profile, region_name=region)
    if not role:
        return base
    given = {"RoleArn": role, "RoleSessionName": account.session_name}
    if account.external_id:
        given["ExternalId"] = account.external_id
    made = _client(base, "sts", region).assume_role(**given)["Credentials"]
    return boto3.Session(
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
        region_name=region,
    )


def session_in(env: Environment, name: str, role: str | None = None) -> Any:
    """Return a boto3 session in an account: the one at hand where it is there, else its role.

    Args:
        env: the settings.
        name: the account's name in the file.
        role: name of a role to assume there, in place of the file's.

    Raises:
        UncheckedError: there are no credentials for it.

    """
    from botocore.exceptions import BotoCoreError, ClientError

    account = env.accounts[name]
    try:
        base = session(account, None, env.home_region)
        identity = _client(base, "sts", env.home_region).get_caller_identity()
        arn = _role(env, account, role)
        if identity["Account"] == account.id or not arn:
            return base
        return session(account, arn, env.home_region)
    except (BotoCoreError, ClientError) as error:
        raise UncheckedError(
            f"accounts.{name} ({account.id}) cannot be reached: {error}; set AWS_PROFILE, or give "
            "a copy of the archive with --logs"
        ) from None


def _role(env: Environment, account: Account, name: str | None) -> str | None:
    """Return the ARN of the role of a name in an account, or else the file's."""
    return layout.role_arn(env, account.id, name) if name else account.role_arn


def _client(made: Any, service: str, region: str) -> Any:
    import os

    from botocore.config import Config

    # An AWS of one's own rarely has a name for each bucket.
    own = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} & os.environ.keys()
    return made.client(
        service,
        region_name=region,
        config=Config(
            retries={"mode": "adaptive", "total_max_attempts": 5},
            connect_timeout=10,
            read_timeout=30,
            max_pool_connections=32,
            s3={"addressing_style": "path"} if own else None,
        ),
    )
