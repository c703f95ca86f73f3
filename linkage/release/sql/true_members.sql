-- Who was in which household on $day: memberships whose dates enclose it. Of households and persons that have ended since, those published then, under
-- the id the person has today; unless the newest release knows better where the person was.
CREATE OR REPLACE TEMP TABLE true_members AS
WITH known AS (
    SELECT m.*, h.kind FROM newest_members m JOIN newest_households h USING (household_id)
    WHERE m.valid_from <= $day AND coalesce(m.valid_to > $day, true)
), ended AS (
    SELECT t.* REPLACE (coalesce(r.successor_id, t.person_id) AS person_id), h.kind
    FROM then_members t JOIN then_households h USING (household_id) LEFT JOIN newest_retired_ids r ON r.id = t.person_id AND r.kind = 'person'
    WHERE t.valid_from <= $day AND coalesce(t.valid_to > $day, true)
      AND (t.household_id NOT IN (SELECT household_id FROM newest_households) OR (r.id IS NOT NULL AND r.successor_id IS NULL))
), together AS (
    SELECT * FROM known
    UNION ALL BY NAME
    SELECT * FROM ended e ANTI JOIN known k ON k.person_id = e.person_id AND k.kind = e.kind
)
SELECT household_id, person_id, any_value(relation_to_head ORDER BY valid_from) AS relation_to_head, bool_or(is_head) AS is_head,
       min(valid_from) AS valid_from, CASE WHEN count(valid_to) = count(*) THEN max(valid_to) END AS valid_to
FROM together WHERE person_id IN (SELECT person_id FROM true_persons)
GROUP BY household_id, person_id;
