SELECT m.* FROM register.members m WHERE m.person_id = $id ORDER BY m.valid_to NULLS FIRST, m.household_id, m.valid_from;
