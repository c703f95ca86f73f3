-- What changed since the release before. The cause of a split or merge is a judgement when one touches its records, else the data.
CREATE OR REPLACE TEMP TABLE events AS
WITH judged AS (SELECT record_key_l AS record_key FROM judgements WHERE verdict <> 'unsure' UNION SELECT record_key_r FROM judgements WHERE verdict <> 'unsure')
SELECT subject_id, 'person' AS subject, kind, related_id, '' AS field, CAST($night AS DATE) AS night,
       CASE WHEN kind IN ('merged_into', 'split_from') AND list_has_any(records, (SELECT coalesce(list(record_key), []) FROM judged)) THEN 'judgement' ELSE 'source_data' END AS cause,
       records
FROM person_events
UNION ALL
SELECT subject_id, 'household', kind, related_id, '', CAST($night AS DATE), 'source_data', NULL FROM household_events;
