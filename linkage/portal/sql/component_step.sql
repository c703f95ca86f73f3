-- One step from the records reached so far (component) to all that could end up with them, or whose ids depend on it: the other records of their persons,
-- what a pair at the join threshold or a judgement ties to them, and what an id that retired used to hold with them. $least_join_match_weight in bits
CREATE OR REPLACE TEMP TABLE component AS
SELECT record_key FROM component
UNION
SELECT source || ':' || record_id FROM crosswalk
WHERE person_id IN (SELECT person_id FROM crosswalk WHERE source || ':' || record_id IN (SELECT record_key FROM component))
UNION
SELECT record_key_r FROM every_pair WHERE match_weight >= $least_join_match_weight AND record_key_l IN (SELECT record_key FROM component)
UNION
SELECT record_key_l FROM every_pair WHERE match_weight >= $least_join_match_weight AND record_key_r IN (SELECT record_key FROM component)
UNION
SELECT unnest([record_key_l, record_key_r]) FROM every_judgement
WHERE verdict = 'same' AND (record_key_l IN (SELECT record_key FROM component) OR record_key_r IN (SELECT record_key FROM component))
UNION
SELECT record_key FROM former_records
WHERE person_id IN (SELECT person_id FROM former_records WHERE record_key IN (SELECT record_key FROM component));
