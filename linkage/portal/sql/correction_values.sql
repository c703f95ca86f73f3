-- For each request: the value that the person has now, and the values that the owner's record gives now, wherever that record belongs. Of a household
-- it is asked whether the person still belongs to it: the family's records may place somebody whose own do not.
WITH asked AS (
    SELECT unnest($correction_ids) AS correction_id, unnest($person_ids) AS person_id, unnest($fields) AS field,
           unnest($owners) AS owner, unnest($record_ids) AS record_id, unnest($values) AS value_before
), golden AS (
    SELECT a.correction_id, any_value(v.value) AS value FROM asked a JOIN "values" v ON v.person_id = a.person_id AND v.field = a.field AND v.won
    GROUP BY a.correction_id
    UNION ALL SELECT a.correction_id, p.status FROM asked a JOIN persons p USING (person_id) WHERE a.field = 'status'
    UNION ALL SELECT DISTINCT a.correction_id, m.household_id FROM asked a JOIN members m ON m.person_id = a.person_id AND m.household_id = a.value_before
    WHERE a.field IN ('hukou_household', 'residence_household') AND m.valid_to IS NULL
), given AS (
    SELECT a.correction_id, list(DISTINCT v.value ORDER BY v.value) AS values
    FROM asked a JOIN given_values v ON v.source = a.owner AND v.record_id = a.record_id AND v.field = a.field GROUP BY a.correction_id
)
SELECT a.correction_id, g.value AS golden, coalesce(r.values, []) AS record_values
FROM asked a LEFT JOIN golden g USING (correction_id) LEFT JOIN given r USING (correction_id);
