-- An id that ended comes back to a household without one that holds most of the members it had, or some of them under the same
-- household number or dwelling code. Members whose id is retired since count as their successors.
CREATE OR REPLACE TEMP TABLE revived_household_ids AS
WITH former AS (
    SELECT f.household_id, f.family, f.place, count(*) OVER (PARTITION BY f.household_id) AS members, coalesce(r.last_successor_id, f.person_id) AS person_id
    FROM previous_former_households f LEFT JOIN retired_persons r ON r.id = f.person_id
), shared_members AS (
    SELECT g.family, g.basis_key, f.household_id, count(*) AS shared, any_value(f.members) AS members, coalesce(any_value(f.place) = g.basis_key, false) AS same_place
    FROM household_groups g JOIN former f ON f.person_id = g.person_id AND f.family = g.family
    WHERE NOT EXISTS (SELECT 1 FROM kept_household_ids k WHERE k.family = g.family AND k.basis_key = g.basis_key)
    GROUP BY g.family, g.basis_key, f.household_id
)
SELECT family, basis_key, household_id FROM shared_members WHERE same_place OR shared * 2 > members
QUALIFY row_number() OVER (PARTITION BY family, basis_key ORDER BY same_place DESC, shared DESC, household_id) = 1
    AND row_number() OVER (PARTITION BY household_id ORDER BY same_place DESC, shared DESC, basis_key) = 1;

CREATE OR REPLACE TEMP TABLE new_households AS
SELECT family, basis_key, first_person FROM household_bases b
WHERE NOT EXISTS (SELECT 1 FROM kept_household_ids k WHERE k.family = b.family AND k.basis_key = b.basis_key)
  AND NOT EXISTS (SELECT 1 FROM revived_household_ids k WHERE k.family = b.family AND k.basis_key = b.basis_key);
