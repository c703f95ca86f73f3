-- Judgements that a steward should look at again: their records changed or cannot be found, or other judgements or constraints contradict them.
-- A judgement both of whose records are gone decides nothing and is no case.
CREATE OR REPLACE TEMP TABLE judgement_cases AS
WITH doubtful AS (
    SELECT s.*, o.current_key_l AS other_l, o.current_key_r AS other_r
    FROM judgement_status s LEFT JOIN judgement_status o ON o.judgement_id = s.contradicted_by
    WHERE s.verdict IN ('same', 'different') AND (s.status IN ('changed', 'stale') OR (s.status = 'contradicted' AND s.verdict = 'same'))
), named AS (
    SELECT CASE WHEN status = 'contradicted' THEN 'contradicted_judgement' ELSE 'stale_judgement' END AS kind, reason, reason_en,
           list_concat([coalesce(current_key_l, record_key_l), coalesce(current_key_r, record_key_r)],
                       list_filter([other_l, other_r], lambda k: k IS NOT NULL AND k NOT IN (current_key_l, current_key_r))) AS records
    FROM doubtful
), cases AS (
    SELECT kind, records, max(reason) AS reason, max(reason_en) AS reason_en FROM named GROUP BY ALL
), persons AS (
    SELECT kind, records, list_sort(list(DISTINCT l.person_id)) AS person_ids
    FROM (SELECT kind, records, unnest(records) AS record_key FROM cases) JOIN links l USING (record_key) GROUP BY ALL
)
SELECT kind, records, person_ids, CAST(NULL AS DOUBLE) AS match_weight, CASE WHEN kind = 'contradicted_judgement' THEN 60.0 ELSE 35.0 END AS priority,
       CASE WHEN kind = 'contradicted_judgement' THEN '人工判定互相矛盾：' ELSE '人工判定需重新核对：' END || reason AS reason,
       CASE WHEN kind = 'contradicted_judgement' THEN 'a judgement is contradicted: ' ELSE 'a judgement needs a second look: ' END || reason_en AS reason_en
FROM cases JOIN persons USING (kind, records);
