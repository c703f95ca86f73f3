-- Every id that ended leads to its successor; chains are followed, so one look-up is enough for ever.
CREATE OR REPLACE TEMP TABLE retired_tonight AS
SELECT person_id AS id, successor_id, 'person' AS kind, CAST($night AS DATE) AS retired_on, CASE WHEN successor_id IS NULL THEN 'ended' ELSE 'merged_into' END AS cause
FROM gone_persons
UNION ALL
SELECT subject_id, NULL, 'household', CAST($night AS DATE), 'ended' FROM household_events WHERE kind = 'ended';

CREATE OR REPLACE TEMP TABLE retired_ids AS
SELECT r.id, CASE WHEN t.id IS NULL THEN r.successor_id ELSE t.successor_id END AS successor_id, r.kind, r.retired_on, r.cause
FROM previous_retired_ids r LEFT JOIN retired_tonight t ON t.id = r.successor_id
WHERE r.id NOT IN (SELECT person_id FROM links)
UNION ALL
SELECT * FROM retired_tonight;
