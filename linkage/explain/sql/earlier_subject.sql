-- Whether an earlier release holds $id as a living person or household.
SELECT person_id AS id FROM earlier.persons WHERE person_id = $id UNION ALL SELECT household_id FROM earlier.households WHERE household_id = $id;
