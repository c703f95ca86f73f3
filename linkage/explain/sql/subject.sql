-- What $id is in this release: a person, a household, or a retired id with its successor.
SELECT 'person' AS kind, NULL AS successor_id, NULL AS retired_on FROM register.persons WHERE person_id = $id
UNION ALL SELECT 'household', NULL, NULL FROM register.households WHERE household_id = $id
UNION ALL SELECT 'retired', successor_id, retired_on FROM register.retired_ids WHERE id = $id;
