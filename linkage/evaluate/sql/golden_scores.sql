-- Golden values that are filled and right, against the person the truth knows.
CREATE OR REPLACE TEMP TABLE golden_scores AS
WITH compared AS (
    SELECT p.*, t.name, t.dob, t.id_no, t.sex AS true_sex, t.ethnicity AS true_ethnicity, t.phone AS true_phone,
           t.hukou_address AS true_hukou_address, t.actual_address, t.present
    FROM persons p JOIN person_truth x USING (person_id) JOIN truth_persons t USING (true_person_id)
), fields AS (
    SELECT 'full_name' AS field, full_name IS NOT NULL AS filled, regexp_replace(upper(full_name), '[·,\s]', '', 'g') = regexp_replace(upper(name), '[·,\s]', '', 'g') AS correct FROM compared
    UNION ALL SELECT 'birth_date', birth_date IS NOT NULL AND birth_date_precision = 'day', birth_date = dob FROM compared
    UNION ALL SELECT 'identity_number', identity_number IS NOT NULL, identity_number = id_no FROM compared WHERE coalesce(id_no, '') <> ''
    UNION ALL SELECT 'sex', sex IN ('1', '2'), sex = CASE true_sex WHEN '男' THEN '1' WHEN '女' THEN '2' END FROM compared
    UNION ALL SELECT 'ethnicity', ethnicity IS NOT NULL, ethnicity = e.code FROM compared JOIN ethnicities e ON e.name = true_ethnicity
    UNION ALL SELECT 'phone', phone IS NOT NULL, phone = true_phone FROM compared WHERE coalesce(true_phone, '') <> ''
    UNION ALL SELECT 'hukou_address', hukou_address IS NOT NULL, dwelling(hukou_address) = dwelling(true_hukou_address) FROM compared WHERE coalesce(true_hukou_address, '') <> ''
    UNION ALL SELECT 'residence_address', residence_address IS NOT NULL, dwelling(residence_address) = dwelling(actual_address) FROM compared WHERE present AND coalesce(actual_address, '') <> ''
)
SELECT field, count(*) AS persons, count(*) FILTER (filled) AS filled, count(*) FILTER (filled AND correct) AS correct FROM fields GROUP BY field;
