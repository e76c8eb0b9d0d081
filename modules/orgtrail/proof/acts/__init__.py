"""The acts of the access matrix: everything that would stop, change or open the audit trail."""

from __future__ import annotations

from orgtrail.proof.acts import detection, evidence, readers, surroundings
from orgtrail.proof.acts.act import DIGESTS, Act, Ground
from orgtrail.proof.estate import Estate
from orgtrail.proof.intent import Intent

__all__ = ["DIGESTS", "Act", "acts"]


def acts(estate: Estate, intent: Intent) -> list[Act]:
    """Return every act that the estate has something to do with; none where it is not known."""
    trail, archive = estate.trail, estate.archive
    if not trail or not archive or not estate.is_known:
        return []
    ground = Ground(estate, intent, trail, archive)
    return [
        *surroundings.of_trail(ground),
        *evidence.of_files(ground),
        *evidence.of_archive(ground),
        *evidence.of_key(ground),
        *evidence.of_other_keys(ground),
        *readers.of_catalog(ground),
        *readers.of_feed(ground),
        *readers.of_runs(ground),
        *surroundings.of_log_groups(ground),
        *surroundings.of_organization(ground),
        *readers.of_roles(ground),
        *readers.of_sign_in(ground),
        *detection.of_detection(ground),
    ]
