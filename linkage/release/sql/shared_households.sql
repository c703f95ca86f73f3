-- Households as departments may see them: a restricted person is neither its head nor counted; nobody else in it, no household.
CREATE OR REPLACE TEMP VIEW shared_households AS
WITH hidden AS (
    SELECT household_id, count(*) AS persons FROM members WHERE valid_to IS NULL AND person_id IN (SELECT person_id FROM restricted) GROUP BY household_id
)
SELECT h.* REPLACE (
    CASE WHEN head_person_id IN (SELECT person_id FROM restricted) THEN NULL ELSE head_person_id END AS head_person_id,
    CAST(h.members - coalesce(x.persons, 0) AS INTEGER) AS members)
FROM households h LEFT JOIN hidden x USING (household_id)
WHERE x.persons IS NULL OR h.members > x.persons;
