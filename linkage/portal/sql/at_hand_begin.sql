-- Where the copy begins: the records of review cases and of the persons that these concern, and records that a judgement is about.
CREATE TEMP TABLE reached (record_key VARCHAR);
CREATE TEMP TABLE newly_reached AS
SELECT unnest(records) AS record_key FROM review_cases
UNION SELECT source || ':' || record_id FROM crosswalk WHERE person_id IN (SELECT unnest(person_ids) FROM review_cases)
UNION SELECT unnest([current_key_l, current_key_r]) FROM judgement_status WHERE current_key_l IS NOT NULL AND current_key_r IS NOT NULL;
