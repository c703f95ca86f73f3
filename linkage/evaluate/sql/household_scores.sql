-- Pairs of persons in one household: hukou (without and with collective ones) against the household book,
-- residence against who lives together; only of persons that some department knows.
CREATE OR REPLACE TEMP TABLE found_members AS
WITH current_members AS (
    SELECT DISTINCT h.kind, h.household_number IS NOT NULL AS of_hukou, m.household_id, p.true_person_id
    FROM members m JOIN households h USING (household_id) JOIN person_truth p USING (person_id) WHERE m.valid_to IS NULL
)
SELECT 'hukou' AS measure, household_id, true_person_id FROM current_members WHERE of_hukou AND kind <> 'collective'
UNION ALL SELECT 'hukou_with_collective', household_id, true_person_id FROM current_members WHERE of_hukou
UNION ALL SELECT 'residence', household_id, true_person_id FROM current_members WHERE NOT of_hukou AND kind <> 'collective';

CREATE OR REPLACE TEMP TABLE known_members AS
WITH known AS (SELECT * FROM truth_persons SEMI JOIN truth_records USING (true_person_id))
SELECT 'hukou' AS measure, hukou_household_id AS household_id, true_person_id FROM known
WHERE coalesce(hukou_household_id, '') <> '' AND NOT hukou_collective
UNION ALL SELECT 'hukou_with_collective', hukou_household_id, true_person_id FROM known WHERE coalesce(hukou_household_id, '') <> ''
UNION ALL SELECT 'residence', actual_household_id, true_person_id FROM known WHERE coalesce(actual_household_id, '') <> '' AND NOT actual_collective;

CREATE OR REPLACE TEMP TABLE household_pairs AS
WITH found AS (
    SELECT DISTINCT a.measure, a.true_person_id AS l, b.true_person_id AS r FROM found_members a JOIN found_members b
    ON a.measure = b.measure AND a.household_id = b.household_id AND a.true_person_id < b.true_person_id
), known AS (
    SELECT DISTINCT a.measure, a.true_person_id AS l, b.true_person_id AS r FROM known_members a JOIN known_members b
    ON a.measure = b.measure AND a.household_id = b.household_id AND a.true_person_id < b.true_person_id
)
SELECT measure, l, r, f.measure IS NOT NULL AS is_found, k.measure IS NOT NULL AS is_known
FROM found f FULL JOIN known k USING (measure, l, r);

CREATE OR REPLACE TEMP TABLE household_scores AS
WITH touched AS (
    SELECT DISTINCT g.subgroup, p.measure, p.l, p.r, p.is_found, p.is_known
    FROM (SELECT *, unnest([l, r]) AS true_person_id FROM household_pairs) p JOIN subgroups g USING (true_person_id)
)
SELECT subgroup, measure, count(*) FILTER (is_found AND is_known) AS right,
       count(*) FILTER (NOT is_known) AS wrong, count(*) FILTER (NOT is_found) AS missed
FROM touched GROUP BY subgroup, measure;
