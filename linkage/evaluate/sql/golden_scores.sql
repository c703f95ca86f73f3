-- Golden values: filled, and right, of those whom the truth gives one. Separators and blanks in names do not count.
CREATE OR REPLACE TEMP MACRO plain_name(name) AS regexp_replace(upper(name), '[·•・‧,，\s]', '', 'g');

CREATE OR REPLACE TEMP TABLE golden_scores AS
WITH judged AS (
    SELECT true_person_id, 'full_name' AS field, full_name IS NOT NULL AS filled, plain_name(full_name) = plain_name(name) AS correct FROM compared
    UNION ALL SELECT true_person_id, 'birth_date', birth_date IS NOT NULL AND birth_date_precision = 'day', birth_date = dob FROM compared
    UNION ALL SELECT true_person_id, 'identity_number', identity_number IS NOT NULL, identity_number = id_no FROM compared WHERE coalesce(id_no, '') <> ''
    UNION ALL SELECT true_person_id, 'sex', sex IN ('1', '2'), sex = CASE true_sex WHEN '男' THEN '1' WHEN '女' THEN '2' END FROM compared
    UNION ALL SELECT true_person_id, 'ethnicity', ethnicity IS NOT NULL, ethnicity = true_ethnicity FROM compared WHERE true_ethnicity IS NOT NULL
    UNION ALL SELECT true_person_id, 'phone', phone IS NOT NULL, phone = true_phone FROM compared WHERE coalesce(true_phone, '') <> ''
    UNION ALL SELECT true_person_id, 'hukou_address', hukou_address IS NOT NULL, s.same
    FROM compared c LEFT JOIN same_addresses s ON s.golden = c.hukou_address AND s.truth = c.true_hukou_address WHERE coalesce(true_hukou_address, '') <> ''
    UNION ALL SELECT true_person_id, 'residence_address', residence_address IS NOT NULL, s.same
    FROM compared c LEFT JOIN same_addresses s ON s.golden = c.residence_address AND s.truth = c.true_residence_address WHERE coalesce(true_residence_address, '') <> ''
)
SELECT g.subgroup, j.field, count(*) AS persons, count(*) FILTER (j.filled) AS filled, count(*) FILTER (j.filled AND j.correct) AS correct
FROM judged j JOIN subgroups g USING (true_person_id) GROUP BY ALL;
