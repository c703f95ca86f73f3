-- The records that a person had in an earlier release.
SELECT source || ':' || record_id AS record_key FROM earlier.crosswalk WHERE person_id = $id;
