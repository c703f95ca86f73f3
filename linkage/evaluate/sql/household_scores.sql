-- Pairs of persons in one household, only of persons that some department knows:
--   hukou                  registered household, without collective ones, against the household book
--   hukou_living           the same without those who died: a death that nobody reported stands in every department's list
--   hukou_with_collective  with collective ones
--   residence              who lives together
--   residence_recorded     families among those whose real home some department recorded: what could be known
CREATE OR REPLACE TEMP TABLE home_recorded AS
SELECT DISTINCT r.true_person_id FROM recorded_addresses r JOIN same_addresses s ON s.golden = r.value AND s.truth = r.home WHERE s.same;

CREATE OR REPLACE TEMP TABLE found_members AS
WITH current_members AS (
    SELECT DISTINCT h.kind, h.household_number IS NOT NULL AS of_hukou, m.household_id, p.true_person_id, t.alive
    FROM members m JOIN households h USING (household_id) JOIN person_truth p USING (person_id) JOIN truth_persons t USING (true_person_id)
    WHERE m.valid_to IS NULL
)
SELECT 'hukou' AS measure, household_id, true_person_id FROM current_members WHERE of_hukou AND kind <> 'collective'
UNION ALL SELECT 'hukou_living', household_id, true_person_id FROM current_members WHERE of_hukou AND kind <> 'collective' AND alive
UNION ALL SELECT 'hukou_with_collective', household_id, true_person_id FROM current_members WHERE of_hukou
UNION ALL SELECT 'residence', household_id, true_person_id FROM current_members WHERE NOT of_hukou AND kind <> 'collective'
UNION ALL SELECT 'residence_recorded', household_id, true_person_id FROM current_members SEMI JOIN home_recorded USING (true_person_id)
WHERE NOT of_hukou AND kind <> 'collective';

CREATE OR REPLACE TEMP TABLE known_members AS
WITH known AS (SELECT * FROM truth_persons SEMI JOIN truth_records USING (true_person_id)),
registered AS (
    SELECT hukou_household_id AS household_id, true_person_id, alive, coalesce(hukou_collective, false) AS collective FROM known WHERE coalesce(hukou_household_id, '') <> ''
), living AS (
    SELECT actual_household_id AS household_id, true_person_id FROM known WHERE coalesce(actual_household_id, '') <> '' AND NOT coalesce(actual_collective, false)
)
SELECT 'hukou' AS measure, household_id, true_person_id FROM registered WHERE NOT collective
UNION ALL SELECT 'hukou_living', household_id, true_person_id FROM registered WHERE NOT collective AND alive
UNION ALL SELECT 'hukou_with_collective', household_id, true_person_id FROM registered
UNION ALL SELECT 'residence', household_id, true_person_id FROM living
UNION ALL SELECT 'residence_recorded', household_id, true_person_id FROM living SEMI JOIN home_recorded USING (true_person_id);

-- Pairs of one collective home are no family, and not wrong either.
CREATE OR REPLACE TEMP TABLE household_pairs AS
WITH found AS (
    SELECT DISTINCT a.measure, a.true_person_id AS l, b.true_person_id AS r FROM found_members a JOIN found_members b
    ON a.measure = b.measure AND a.household_id = b.household_id AND a.true_person_id < b.true_person_id
), known AS (
    SELECT DISTINCT a.measure, a.true_person_id AS l, b.true_person_id AS r FROM known_members a JOIN known_members b
    ON a.measure = b.measure AND a.household_id = b.household_id AND a.true_person_id < b.true_person_id
)
SELECT measure, l, r, f.measure IS NOT NULL AS is_found, k.measure IS NOT NULL AS is_known
FROM found f FULL JOIN known k USING (measure, l, r)
WHERE measure <> 'residence_recorded' OR k.measure IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM truth_persons x JOIN truth_persons y USING (actual_household_id)
    WHERE x.true_person_id = l AND y.true_person_id = r AND x.actual_collective AND coalesce(actual_household_id, '') <> '');

CREATE OR REPLACE TEMP TABLE household_scores AS
WITH touched AS (
    SELECT DISTINCT g.subgroup, p.measure, p.l, p.r, p.is_found, p.is_known
    FROM (SELECT *, unnest([l, r]) AS true_person_id FROM household_pairs) p JOIN subgroups g USING (true_person_id)
)
SELECT subgroup, measure, count(*) FILTER (is_found AND is_known) AS right,
       count(*) FILTER (NOT is_known) AS wrong, count(*) FILTER (NOT is_found) AS missed
FROM touched GROUP BY subgroup, measure;
