-- Where the copy begins: the records of review cases and of the persons that these concern, of whom one record says dead
-- (cases of the desk's own, see review_queue.sql), and records that a judgement is about.
CREATE TEMP TABLE reached (record_key VARCHAR);
CREATE TEMP TABLE newly_reached AS
SELECT unnest(records) AS record_key FROM review_cases
UNION SELECT source || ':' || record_id FROM crosswalk WHERE person_id IN (SELECT unnest(person_ids) FROM review_cases)
UNION SELECT source || ':' || record_id FROM crosswalk WHERE person_id IN (
    SELECT person_id FROM crosswalk WHERE source || ':' || record_id IN (SELECT record_key FROM common_records WHERE person_status = 'deceased'))
UNION SELECT unnest([current_key_l, current_key_r]) FROM judgement_status WHERE current_key_l IS NOT NULL AND current_key_r IS NOT NULL;
