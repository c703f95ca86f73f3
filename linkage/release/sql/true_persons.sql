-- The persons as they were on $day: known to be here by then (in the register, in a household, or seen by any department), alive before the day that a death or departure bears, with the values that held. Who they are
-- (number, name, sex, birth) is taken as it is best known today. A place comes with its address, or not at all. Persons whom all departments
-- have dropped since stand as they were published then.
CREATE OR REPLACE TEMP TABLE true_persons AS
WITH held AS (
    PIVOT (SELECT person_id, field, golden, older FROM held_values)
    ON field IN ('phone', 'hukou_address', 'residence_address', 'marital_status', 'education', 'tenure')
    USING bool_or(golden) AS golden, any_value(older) AS older GROUP BY person_id
)
SELECT p.* REPLACE (
    CASE WHEN h.phone_golden THEN p.phone ELSE h.phone_older END AS phone,
    CASE WHEN h.marital_status_golden THEN p.marital_status ELSE h.marital_status_older END AS marital_status,
    CASE WHEN h.education_golden THEN p.education ELSE h.education_older END AS education,
    CASE WHEN h.tenure_golden THEN p.tenure ELSE h.tenure_older END AS tenure,
    CASE WHEN h.hukou_address_golden THEN p.hukou_address ELSE h.hukou_address_older END AS hukou_address,
    CASE WHEN h.hukou_address_golden THEN p.hukou_division_code END AS hukou_division_code,
    CASE WHEN h.residence_address_golden THEN p.residence_address ELSE h.residence_address_older END AS residence_address,
    CASE WHEN h.residence_address_golden THEN p.residence_division_code END AS residence_division_code,
    CASE WHEN h.residence_address_golden THEN p.residence_street END AS residence_street,
    CASE WHEN h.residence_address_golden THEN p.residence_community END AS residence_community,
    CASE WHEN h.residence_address_golden THEN p.dwelling_code END AS dwelling_code,
    CASE WHEN h.residence_address_golden THEN p.grid_code END AS grid_code,
    CASE WHEN p.household_number IN (
        SELECT n.household_number FROM newest_members m JOIN newest_households n USING (household_id)
        WHERE m.person_id = p.person_id AND m.valid_from <= $day AND coalesce(m.valid_to > $day, true)
    ) THEN p.household_number END AS household_number,
    CASE WHEN p.status IN ('deceased', 'moved_away') AND p.status_on > $day THEN 'alive' ELSE p.status END AS status,
    CASE WHEN p.status_on <= $day THEN p.status_on END AS status_on)
FROM newest_persons p LEFT JOIN held h USING (person_id)
WHERE coalesce(p.birth_date <= $day, true)
  AND (p.first_night <= $day
       OR p.person_id IN (SELECT person_id FROM newest_values WHERE observed_on <= $day)
       OR p.person_id IN (SELECT person_id FROM newest_members WHERE valid_from <= $day))
UNION ALL BY NAME
SELECT t.* FROM then_persons t
WHERE t.person_id IN (SELECT id FROM newest_retired_ids WHERE kind = 'person' AND successor_id IS NULL AND retired_on > $day)
  AND t.person_id NOT IN (SELECT person_id FROM newest_persons);
