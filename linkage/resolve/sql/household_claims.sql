-- Which of yesterday's households may go on as which of tonight's: they share members, and best also the number or dwelling code.
CREATE OR REPLACE TEMP TABLE household_bases AS
SELECT family, basis_key, min(kind) AS kind, min(basis) AS basis, count(*) AS members, min(person_id) AS first_person FROM household_groups GROUP BY family, basis_key;

CREATE OR REPLACE TEMP TABLE household_claims AS
SELECT g.family, g.basis_key, p.household_id, coalesce(any_value(b.place) = g.basis_key, false) AS same_place, count(*) AS shared
FROM household_groups g
JOIN previous_members p ON p.person_id = g.person_id AND p.valid_to IS NULL
JOIN previous_household_bases b ON b.household_id = p.household_id AND b.family = g.family
GROUP BY g.family, g.basis_key, p.household_id;

CREATE OR REPLACE TEMP TABLE kept_household_ids (family VARCHAR, basis_key VARCHAR, household_id VARCHAR);
