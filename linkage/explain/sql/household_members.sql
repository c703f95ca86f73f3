SELECT household_id, person_id, relation_to_head, is_head, valid_from, valid_to FROM register.members WHERE household_id IN (SELECT unnest($ids))
ORDER BY household_id, valid_to NULLS FIRST, is_head DESC, relation_to_head NULLS LAST, valid_from, person_id;
