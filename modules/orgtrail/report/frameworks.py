"""The requirements of frameworks that an audit trail answers, each with the evidence that decides.

The wording is our own and short; the number is what an auditor looks up.
HIPAA: 45 CFR 164.312(b), 164.316(b)(2)(i). PCI DSS v4.0.1. NIST SP 800-53 rev. 5. SOC 2: Trust
Services Criteria of 2017, points of focus of 2022.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement.

    Args:
        framework: whose it is.
        id: its number there.
        title: what it asks for.
        evidence: the names of what decides, all of which must hold (`evidence.py`).

    """

    framework: str
    id: str
    title: str
    evidence: tuple[str, ...]


_HIPAA, _PCI, _NIST, _SOC = "HIPAA", "PCI DSS", "NIST 800-53", "SOC 2"

REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(_HIPAA, "164.312(b)", "Activity in systems with patient data is recorded and "
                "examined", ("recording", "named-data", "delivering", "asked", "protected")),
    Requirement(_HIPAA, "164.316(b)(2)(i)", "Records are kept for six years",
                ("kept-six-years",)),
    Requirement(_PCI, "10.2.1", "Audit logs are active for all components",
                ("recording", "logging", "delivering")),
    Requirement(_PCI, "10.2.1.1", "All individual access to the data is recorded",
                ("named-data",)),
    Requirement(_PCI, "10.2.1.2", "All actions of administrators are recorded", ("recording",)),
    Requirement(_PCI, "10.2.1.3", "All access to audit logs is recorded",
                ("archive-access", "access-logged")),
    Requirement(_PCI, "10.2.1.4", "All invalid access attempts are recorded", ("recording",)),
    Requirement(_PCI, "10.2.1.5", "All changes of credentials and privileges are recorded",
                ("recording",)),
    Requirement(_PCI, "10.2.1.6", "Starting, stopping and pausing of audit logs is recorded",
                ("recording", "asked")),
    Requirement(_PCI, "10.2.1.7", "Creation and deletion of system objects is recorded",
                ("recording",)),
    Requirement(_PCI, "10.2.2", "Each record says who, what, when, whence, and with what result",
                ("record-content",)),
    Requirement(_PCI, "10.3.1", "Only those who need it read audit logs", ("access", "not-public")),
    Requirement(_PCI, "10.3.2", "Audit logs cannot be changed by individuals",
                ("protected", "locked")),
    Requirement(_PCI, "10.3.3", "Audit logs are promptly copied to a central, secure place",
                ("separate", "delivering")),
    Requirement(_PCI, "10.3.4", "Change of audit logs is detected", ("validation", "intact")),
    Requirement(_PCI, "10.4.1.1", "Audit logs are reviewed by automated mechanisms",
                ("alarms", "asked")),
    Requirement(_PCI, "10.5.1", "Audit logs are kept for twelve months, three at hand",
                ("kept-a-year", "three-months-at-hand")),
    Requirement(_PCI, "10.6.1", "Clocks are synchronized", ("time",)),
    Requirement(_PCI, "10.7.2", "Failure of audit logging is detected and answered",
                ("silence-alarm",)),
    Requirement(_NIST, "AU-2", "The events to record are chosen, and recorded",
                ("recording", "named-data")),
    Requirement(_NIST, "AU-3", "Records say what, when, where, who and with what outcome",
                ("record-content",)),
    Requirement(_NIST, "AU-4", "There is room for the records", ("capacity",)),
    Requirement(_NIST, "AU-5", "Failure of logging is told", ("silence-alarm",)),
    Requirement(_NIST, "AU-6", "Records are reviewed, analyzed and reported",
                ("asked", "alarms")),
    Requirement(_NIST, "AU-7", "Records can be reduced and searched without changing them",
                ("searchable",)),
    Requirement(_NIST, "AU-8", "Records have time stamps of the systems' clocks, in UTC",
                ("time",)),
    Requirement(_NIST, "AU-9", "Records and tools are protected from access, change and deletion",
                ("protected", "access", "not-public", "encrypted", "separate", "untampered")),
    Requirement(_NIST, "AU-10", "It cannot be denied who did something",
                ("validation", "intact")),
    Requirement(_NIST, "AU-11", "Records are kept as long as the file says", ("kept", "locked")),
    Requirement(_NIST, "AU-12", "All components generate records",
                ("recording", "logging", "delivering")),
    Requirement(_SOC, "CC7.2", "Anomalies are monitored and analyzed",
                ("recording", "alarms", "asked", "delivering")),
)  # fmt: skip
"""All of them, in the order of the page."""
