"""The doctor's calls to AWS: each call is made once, with the credentials of its account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from orgtrail.aws import Cause, Refusal, client, explain, role_in, session_for
from orgtrail.settings.environment import Environment

Json = dict[str, Any]
Call = Callable[[str, str, str, str, Json], Any]
"""Takes account, region, service, operation and parameters; returns all pages of the answer."""


class UncheckedError(Exception):
    """AWS gave no usable answer; the message says why.

    Attributes:
        cause: the cause, if AWS gave one.
        is_foreign: whether S3's refusal means that the bucket is another account's.

    """

    def __init__(
        self, message: str, cause: Cause = Cause.OTHER, *, is_foreign: bool = False
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.is_foreign = is_foreign


class AwsReader:
    """Reads the live accounts of an environment, and caches the answers.

    Args:
        env: the settings, with the role of each account.
        call: makes a call; uses boto3 by default.

    """

    def __init__(self, env: Environment, call: Call | None = None) -> None:
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
        """Call an operation in an account, at most once; the answer has all pages.

        Args:
            account: the account's name in the file.
            service: boto3's name of the service.
            operation: boto3's name of the operation.
            region: by default the home region.
            absent: the error codes for something that does not exist.
            given: the operation's parameters.

        Returns:
            the answer, or None if AWS returned one of the `absent` codes.

        Raises:
            UncheckedError: AWS gave no usable answer.

        """
        return self._answer(self._cached_call, account, region, service, operation, absent, given)

    def ask_again(self, account: str, service: str, operation: str, **given: Any) -> Any:
        """Call without the cache, for an answer that may change; the arguments are those of `ask`.

        Raises:
            UncheckedError: AWS gave no usable answer.

        """
        return self._answer(self._call, account, "", service, operation, (), given)

    def _answer(
        self,
        call: Call,
        account: str,
        region: str,
        service: str,
        operation: str,
        absent: tuple[str, ...],
        given: Json,
    ) -> Any:
        """Make a call; explain a refusal by AWS in plain words."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(account, region or self._env.home_region, service, operation, given)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in absent:
                return None
            refusal = explain(error)
            raise UncheckedError(
                self._refused(account, service, operation, refusal),
                refusal.cause,
                is_foreign=service == "s3" and _is_foreign(refusal),
            ) from None
        except BotoCoreError as error:
            refusal = explain(error)
            said = f"{self._account_label(account)}: {service}:{operation}: {refusal.text}"
            raise UncheckedError(said, refusal.cause) from None

    def _cached_call(
        self, account: str, region: str, service: str, operation: str, given: Json
    ) -> Any:
        """Make a call or return its cached answer; wait if the same call is in progress."""
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
        except Exception as error:  # noqa: BLE001  # every caller gets it
            mine.set_exception(error)
        return mine.result()

    def _account_label(self, name: str) -> str:
        return f"accounts.{name} ({self._env.accounts[name].id})"

    def _refused(self, account: str, service: str, operation: str, refusal: Refusal) -> str:
        action = "".join(part.capitalize() for part in operation.split("_"))
        who, what = self._account_label(account), f"{service}:{action}"
        match refusal.cause:
            case Cause.THROTTLED:
                return (
                    f"{who}: AWS throttles {what} ({refusal.code}); run the doctor again in a "
                    "minute"
                )
            case Cause.DENIED if service == "s3":
                return (
                    f"{who}: {what} is denied ({refusal.message}); if the bucket is another "
                    "account's, choose another name in the file; if it is its own, see what "
                    f"`orgtrail permissions FILE {account} --for doctor` prints"
                )
            case Cause.DENIED:
                return (
                    f"{who}: {what} is denied ({refusal.message}); give the role what "
                    f"`orgtrail permissions FILE {account} --for doctor` prints, then run again"
                )
            case Cause.DENIED_BY_POLICY:
                return f"{who}: {what} is denied ({refusal.message}); {refusal.step}"
            case _:
                return f"{who}: {what}: AWS answers {refusal.text}"


def _is_foreign(refusal: Refusal) -> bool:
    """Return whether S3's refusal means that the bucket belongs to another account.

    Within an organization, S3 names the missing policy; to other callers it gives no reason.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    """
    if refusal.cause is not Cause.DENIED:
        return False
    message = refusal.message.lower()
    return message in {"access denied", "forbidden", ""} or "no resource-based policy" in message


class Clients:
    """Boto3 clients of each account, created on first use.

    Args:
        env: the settings.
        role: name of a role to assume in each account; overrides the settings.
        profile: a profile; overrides the settings.

    """

    def __init__(
        self, env: Environment, role: str | None = None, profile: str | None = None
    ) -> None:
        self._env = env
        self._role = role
        self._profile = profile
        self._sessions: dict[str, Any] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = Lock()

    def call(self, account: str, region: str, service: str, operation: str, given: Json) -> Any:
        """Make a call and return all pages of its answer."""
        client = self.client(account, region, service)
        if client.can_paginate(operation) and "MaxKeys" not in given:
            return client.get_paginator(operation).paginate(**given).build_full_result()
        return getattr(client, operation)(**given)

    def client(self, account: str, region: str, service: str) -> Any:
        """Return an account's client for a service in a region."""
        key = (account, region, service)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = client(self._session(account), service, region)
            return self._clients[key]

    def _session(self, account: str) -> Any:
        if account not in self._sessions:
            self._sessions[account] = session_for(
                self._env.accounts[account],
                self._env.home_region,
                role_in(self._env, account, self._role),
                self._profile,
            )
        return self._sessions[account]
