-- name: kms-key-disabled
-- title: Keys disabled or deleted
-- answers: Keys of KMS that were disabled, or are to be deleted.
-- hours: 24
-- mitre: T1485, T1490
-- cis: 4.7
-- severity: high
-- hit: What the key encrypts can no longer be read, or soon cannot.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(keyId),
      @param(aliasName),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'kms.amazonaws.com' AND eventname IN (
      'DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial',
      'DisableKeyRotation', 'DeleteAlias', 'UpdateAlias'
    )
    AND @called
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
