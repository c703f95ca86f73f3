-- Pairs of persons in one household: hukou (non-collective and all) against the household book, residence against who lives together.
CREATE OR REPLACE TEMP TABLE household_members AS
SELECT DISTINCT h.kind, (h.household_number IS NOT NULL) AS is_hukou, m.household_id, p.true_person_id
FROM members m JOIN households h USING (household_id) JOIN person_truth p USING (person_id) WHERE m.valid_to IS NULL;

CREATE OR REPLACE TEMP TABLE household_scores AS
WITH found AS (
    SELECT 'hukou' AS measure, household_id, true_person_id FROM household_members WHERE is_hukou AND kind <> 'collective'
    UNION ALL SELECT 'hukou_with_collective', household_id, true_person_id FROM household_members WHERE is_hukou
    UNION ALL SELECT 'residence', household_id, true_person_id FROM household_members WHERE NOT is_hukou AND kind <> 'collective'
), known AS (
    SELECT 'hukou' AS measure, hukou_household_id AS household_id, true_person_id FROM truth_persons WHERE coalesce(hukou_household_id, '') <> '' AND NOT hukou_collective
    UNION ALL SELECT 'hukou_with_collective', hukou_household_id, true_person_id FROM truth_persons WHERE coalesce(hukou_household_id, '') <> ''
    UNION ALL SELECT 'residence', actual_household_id, true_person_id FROM truth_persons
    WHERE coalesce(actual_household_id, '') <> '' AND NOT actual_collective AND true_person_id IN (SELECT true_person_id FROM matched)
), found_pairs AS (
    SELECT DISTINCT a.measure, a.true_person_id AS l, b.true_person_id AS r FROM found a JOIN found b
    ON a.measure = b.measure AND a.household_id = b.household_id AND a.true_person_id < b.true_person_id
), known_pairs AS (
    SELECT DISTINCT a.measure, a.true_person_id AS l, b.true_person_id AS r FROM known a JOIN known b
    ON a.measure = b.measure AND a.household_id = b.household_id AND a.true_person_id < b.true_person_id
)
SELECT measure, count(*) FILTER (f.l IS NOT NULL AND k.l IS NOT NULL) AS right_pairs,
       count(*) FILTER (k.l IS NULL) AS wrong_pairs, count(*) FILTER (f.l IS NULL) AS missed_pairs
FROM found_pairs f FULL JOIN known_pairs k USING (measure, l, r) GROUP BY measure;
