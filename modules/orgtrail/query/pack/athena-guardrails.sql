-- name: athena-guardrails
-- title: Changes to the audit catalog
-- answers: Changes to workgroups, tables and databases that audit queries depend on.
-- hours: 168
-- param: database text <database> The audit database; empty for any
-- mitre: T1562
-- cis: -
-- severity: high
-- hit: What auditors see through was changed.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(workGroup),
      @param(name),
      @param(tableInput.name),
      @param(databaseName),
      @else_on
    ) AS target,
    coalesce(@param(databaseName), @param(name)) AS database_name
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'athena.amazonaws.com' AND eventname IN (
        'UpdateWorkGroup', 'DeleteWorkGroup', 'CreateWorkGroup', 'DeleteNamedQuery',
        'DeletePreparedStatement', 'UpdatePreparedStatement', 'UpdateNamedQuery',
        'DeleteDataCatalog', 'UpdateDataCatalog'
      ))
      OR (eventsource = 'glue.amazonaws.com' AND eventname IN (
        'UpdateTable', 'DeleteTable', 'BatchDeleteTable', 'UpdateDatabase',
        'DeleteDatabase', 'UpdatePartition', 'DeletePartition', 'BatchDeletePartition',
        'DeleteResourcePolicy', 'PutResourcePolicy'
      ))
    )
    AND @called
    AND (
      :database = ''
      OR eventsource = 'athena.amazonaws.com'
      OR coalesce(@param(databaseName), @param(name), :database) = :database
    )
)
SELECT
  @call, target, database_name, @outcome
FROM events
ORDER BY event_time, event_id
