"""The constructs of an environment's options; each can also be used alone."""

from __future__ import annotations

from orgtrail.cdktf import bindings as aws
from orgtrail.cdktf.core import LogDelivery
from orgtrail.cdktf.part import LogTarget, Part, Providers
from orgtrail.settings import access, detection
from orgtrail.settings.access import Siem
from orgtrail.settings.detection import AlarmSettings
from orgtrail.settings.environment import Environment
from orgtrail.trail.access_analyzer import access_analyzer
from orgtrail.trail.alarms import alarms
from orgtrail.trail.auditors import auditor
from orgtrail.trail.guardduty import guardduty
from orgtrail.trail.security_hub import security_hub
from orgtrail.trail.siem import siem


class Alarms(Part):
    """Metric filters on the trail's log group, alarms on their metrics, and their subscribers.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings of the environment.
        settings: the alarms' settings.
        provider: provider of the management account, which owns the log group.
        delivery: the log group.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: AlarmSettings,
        provider: aws.AwsProvider,
        delivery: LogDelivery,
    ) -> None:
        """Create the topic, then the alarms."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        alarms(data, settings, group=self.refer(delivery.group))
        self.make(data.resources)


class Auditor(Part):
    """The auditors' role. The archive's policies admit readers in member accounts.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings of the environment.
        settings: the role's settings.
        provider: provider of the logging account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: access.AuditorSettings,
        provider: aws.AwsProvider,
    ) -> None:
        """Create the role."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        auditor(data, settings)
        self.make(data.resources)


class SiemFeed(Part):
    """Notices of new log files in S3's format, which Splunk, Elastic and others accept.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings of the environment.
        settings: the feed's settings.
        provider: provider of the logging account, in the archive's region.
        after: resources that must exist before the bucket's notification is set.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Siem,
        provider: aws.AwsProvider,
        after: aws.Dependables,
    ) -> None:
        """Create key, topic, queues, the bucket's notification and the SIEM's role."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        siem(data, settings, self.refer(after))
        self.make(data.resources)


class GuardDuty(Part):
    """A detector in the delegated administrator and in the management account, in each region.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings of the environment.
        settings: GuardDuty's settings.
        providers: providers of the management account and of the administrator, by name, in the
            home region.
        logging: provider of the logging account, for the findings' bucket.
        access_logs: the bucket for the findings bucket's access logs.
        after: resources that must exist before: the check of the organization.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: detection.GuardDutySettings,
        providers: Providers,
        logging: aws.AwsProvider,
        access_logs: LogTarget,
        after: aws.Dependables,
    ) -> None:
        """Create the export's bucket, then the resources of each region."""
        super().__init__(scope, id, environment, {**providers, "logging": logging})
        data = self._start("logging")
        target = self.log_target(access_logs)
        guardduty(data, settings, access_logs=target, after=self.refer(after))
        self.make(data.resources)


class SecurityHub(Part):
    """One policy for all existing and future accounts, in all regions.

    https://docs.aws.amazon.com/securityhub/latest/userguide/central-configuration-intro.html

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings of the environment.
        settings: Security Hub's settings.
        providers: providers of the management account and of the administrator, by name, in the
            home region.
        after: resources that must exist before: the check of the organization.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: detection.SecurityHubSettings,
        providers: Providers,
        after: aws.Dependables,
    ) -> None:
        """Delegate in each region, then configure from the home region."""
        super().__init__(scope, id, environment, providers)
        data = self._start("management")
        security_hub(data, settings, self.refer(after))
        self.make(data.resources)


class AccessAnalyzer(Part):
    """An analyzer in each region, for resources shared outside the organization.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings of the environment.
        settings: the analyzer's settings.
        providers: providers of the management account and of the administrator, by name, in the
            home region.
        after: resources that must exist before: the check of the organization.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: detection.AccessAnalyzerSettings,
        providers: Providers,
        after: aws.Dependables,
    ) -> None:
        """Register the administrator once, then create the analyzers."""
        super().__init__(scope, id, environment, providers)
        data = self._start("management")
        access_analyzer(data, settings, self.refer(after))
        self.make(data.resources)
