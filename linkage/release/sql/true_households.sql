-- Households that had a member on the day. The head is the one of today, else of then, if that person was in it.
CREATE OR REPLACE TEMP TABLE true_households AS
WITH counted AS (
    SELECT household_id, CAST(count(*) AS INTEGER) AS members, list(person_id) AS persons FROM true_members GROUP BY household_id
), found AS (
    SELECT n.*, t.head_person_id AS then_head FROM newest_households n LEFT JOIN then_households t USING (household_id)
    UNION ALL BY NAME
    SELECT t.*, t.head_person_id AS then_head FROM then_households t ANTI JOIN newest_households n USING (household_id)
)
SELECT f.* EXCLUDE (then_head) REPLACE (
    CASE WHEN list_contains(c.persons, f.head_person_id) THEN f.head_person_id
         WHEN list_contains(c.persons, f.then_head) THEN f.then_head END AS head_person_id,
    c.members AS members)
FROM found f JOIN counted c USING (household_id);

UPDATE true_members SET is_head = coalesce(h.head_person_id = true_members.person_id, false)
FROM true_households h WHERE h.household_id = true_members.household_id;
