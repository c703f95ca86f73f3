-- Register persons beside the person they stand for, and the distinct pairs of addresses to be compared.
CREATE OR REPLACE TEMP TABLE compared AS
SELECT x.true_person_id, p.full_name, p.birth_date, p.birth_date_precision, p.identity_number, p.sex, p.ethnicity, p.phone,
       p.hukou_address, p.residence_address, t.name, t.dob, t.id_no, t.sex AS true_sex, e.code AS true_ethnicity,
       t.phone AS true_phone, t.hukou_address AS true_hukou_address,
       CASE WHEN t.present AND t.alive THEN t.actual_address END AS true_residence_address
FROM persons p JOIN person_truth x USING (person_id) JOIN truth_persons t USING (true_person_id)
LEFT JOIN ethnicities e ON e.name = t.ethnicity;

-- Every address that any department recorded of a person, beside the home where the person really lives.
CREATE OR REPLACE TEMP TABLE recorded_addresses AS
SELECT DISTINCT x.true_person_id, v.value, t.actual_address AS home
FROM candidate_values v JOIN person_truth x USING (person_id) JOIN truth_persons t USING (true_person_id)
WHERE v.field IN ('residence_address', 'hukou_address') AND coalesce(t.actual_household_id, '') <> '';

CREATE OR REPLACE TEMP TABLE golden_addresses AS
SELECT hukou_address AS golden, true_hukou_address AS truth FROM compared WHERE hukou_address IS NOT NULL AND coalesce(true_hukou_address, '') <> ''
UNION SELECT residence_address, true_residence_address FROM compared WHERE residence_address IS NOT NULL AND coalesce(true_residence_address, '') <> ''
UNION SELECT value, home FROM recorded_addresses;
