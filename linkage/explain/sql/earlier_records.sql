-- The records that a person had in an earlier release, and by what each is known under another number.
SELECT source || ':' || record_id AS record_key, feed || ' ' || content_hash AS content FROM earlier.crosswalk WHERE person_id = $id;
