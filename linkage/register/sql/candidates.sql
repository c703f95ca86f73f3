-- One view per golden field: who says what, and how valid it is (larger is better). golden_numbers is made before birth and sex.
CREATE OR REPLACE TEMP MACRO grade_rank(grade, kind) AS
    CASE grade WHEN 'A' THEN 6 WHEN 'B' THEN 5 WHEN 'C' THEN 3 WHEN 'D' THEN 4 ELSE 0 END
    + CASE WHEN kind IN ('resident_id', 'hmt_residence_permit', 'foreign_permanent_resident', 'foreign_permanent_resident_old') THEN 10 ELSE 0 END;

CREATE OR REPLACE TEMP VIEW candidates_identity_number AS
SELECT person_id, identity_number AS value, grade_rank(identity_grade, identity_kind) AS validity, source, feed, record_id, observed_on
FROM person_records WHERE identity_number IS NOT NULL;

-- How well a name is written: a whole name before one with a gap, before a newborn's stand-in. Of two writings of one name the one with
-- its dot and in the characters of the standard table, a foreigner's as in the passport; what the police call a former name, and how neighbours call somebody, come last.
CREATE OR REPLACE TEMP VIEW candidates_full_name AS
WITH written AS (
    SELECT *, list_filter(string_split(full_name, ''), lambda c: c <> '·' AND strpos(name_key, c) = 0 AND strpos(getvariable('standard_variants'), c) = 0) AS unusual,
           bool_or(strpos(full_name, '·') > 0) OVER (PARTITION BY person_id, name_key) AND strpos(full_name, '·') = 0 AS without_dot,
           coalesce(list_contains(list(former_name) OVER (PARTITION BY person_id), full_name), false) AS is_former
    FROM person_records WHERE full_name IS NOT NULL
)
SELECT person_id, full_name AS value,
       CASE WHEN name_kind NOT IN ('ordinary', 'minority', 'latin') THEN 0
            WHEN name_kind = 'latin' THEN CASE WHEN n.identity_kind IN ('passport', 'foreign_permanent_resident', 'foreign_permanent_resident_old') THEN 6 ELSE 3 END
                 + CAST(full_name = upper(full_name) AS INTEGER)
            WHEN regexp_matches(full_name, '[?？□〓■*\x{E000}-\x{F8FF}0-9]') THEN 1 ELSE 5 END
       - CASE WHEN is_former OR feed <> 'police_hukou' AND regexp_matches(full_name, '^[老小阿].$|^.(师傅|阿姨|大爷|大妈|奶奶|爷爷|叔叔|先生|女士|小姐|太太|老师|老板)$') THEN 3 ELSE 0 END
       - CASE WHEN without_dot OR name_kind IN ('ordinary', 'minority') AND len(unusual) > 0 THEN 1 ELSE 0 END AS validity,
       p.bits AS plausibility, source, feed, record_id, observed_on
FROM written JOIN name_plausibility p ON p.value = full_name LEFT JOIN golden_numbers n USING (person_id);

CREATE OR REPLACE TEMP VIEW candidates_former_name AS
SELECT person_id, former_name AS value, 0 AS validity, source, feed, record_id, observed_on FROM person_records WHERE former_name IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_sex AS
SELECT r.person_id, coalesce(nullif(nullif(r.sex, '0'), '9'), r.identity_sex) AS value,
       CASE WHEN n.sex = coalesce(nullif(nullif(r.sex, '0'), '9'), r.identity_sex) THEN 1 ELSE 0 END AS validity, r.source, r.feed, r.record_id, r.observed_on
FROM person_records r LEFT JOIN golden_numbers n USING (person_id) WHERE coalesce(nullif(nullif(r.sex, '0'), '9'), r.identity_sex) IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_birth_date AS
SELECT r.person_id, CAST(coalesce(r.birth_date, r.identity_birth_date) AS VARCHAR) || ' ' || CASE WHEN r.birth_date IS NULL THEN 'day' ELSE r.birth_date_precision END AS value,
       CASE WHEN n.birth_date = coalesce(r.birth_date, r.identity_birth_date) AND coalesce(r.birth_date_precision, 'day') = 'day' THEN 4
            WHEN r.birth_date IS NOT NULL THEN CASE r.birth_date_precision WHEN 'day' THEN 3 WHEN 'month' THEN 1 ELSE 0 END ELSE 2 END AS validity,
       r.source, r.feed, r.record_id, r.observed_on
FROM person_records r LEFT JOIN golden_numbers n USING (person_id) WHERE coalesce(r.birth_date, r.identity_birth_date) IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_ethnicity AS
SELECT person_id, ethnicity AS value, 0 AS validity, source, feed, record_id, observed_on FROM person_records WHERE ethnicity IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_nationality AS
SELECT person_id, nationality AS value, 0 AS validity, source, feed, record_id, observed_on FROM person_records WHERE nationality IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_marital_status AS
SELECT person_id, marital_status AS value, 0 AS validity, source, feed, record_id, coalesce(event_date, observed_on) AS observed_on
FROM person_records WHERE marital_status IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_education AS
SELECT person_id, education AS value, 0 AS validity, source, feed, record_id, observed_on FROM person_records WHERE education IS NOT NULL;

CREATE OR REPLACE TEMP VIEW candidates_phone AS
SELECT person_id, unnest(phones) AS value, -generate_subscripts(phones, 1) AS validity, source, feed, record_id, observed_on FROM person_records WHERE len(phones) > 0;

CREATE OR REPLACE TEMP VIEW candidates_hukou_address AS
SELECT r.person_id, coalesce(t.address, r.hukou_address) AS value,
       CASE r.hukou_address_grade WHEN 'room' THEN 3 WHEN 'building' THEN 2 WHEN 'estate' THEN 1 ELSE 0 END AS validity, r.source, r.feed, r.record_id, r.observed_on
FROM person_records r LEFT JOIN dwelling_texts t ON t.dwelling_key = r.hukou_dwelling_key WHERE r.hukou_address IS NOT NULL;

-- The address of the home in which the resolver placed the person comes first, in whatever record it stands, be it the registered one.
CREATE OR REPLACE TEMP VIEW candidates_residence_address AS
WITH said AS (
    SELECT person_id, residence_address AS address, residence_address_grade AS grade, residence_dwelling_key AS dwelling_key, dwelling_code,
           coalesce(presence, '') <> 'hukou_without_presence' AND ended_on IS NULL AS holds, source, feed, record_id, observed_on
    FROM person_records WHERE residence_address IS NOT NULL
    UNION ALL
    SELECT p.person_id, p.hukou_address, p.hukou_address_grade, p.hukou_dwelling_key, NULL, true, p.source, p.feed, p.record_id, p.observed_on
    FROM person_records p SEMI JOIN home_keys h ON h.person_id = p.person_id AND h.dwelling_key = p.hukou_dwelling_key WHERE p.hukou_address IS NOT NULL
)
-- A record that writes the same home twice, as residence and as registered, says it once.
SELECT s.person_id, coalesce(t.address, s.address) AS value,
       max(CASE WHEN NOT s.holds THEN 0 ELSE CASE s.grade WHEN 'room' THEN 4 WHEN 'building' THEN 3 WHEN 'estate' THEN 2 ELSE 1 END END
           + CASE WHEN k.person_id IS NOT NULL OR c.person_id IS NOT NULL THEN 10 ELSE 0 END) AS validity, s.source, s.feed, s.record_id, s.observed_on
FROM said s LEFT JOIN dwelling_texts t ON t.dwelling_key = s.dwelling_key
LEFT JOIN home_keys k ON k.person_id = s.person_id AND k.dwelling_key = s.dwelling_key
LEFT JOIN home_keys c ON c.person_id = s.person_id AND c.dwelling_key = s.dwelling_code
GROUP BY ALL;

CREATE OR REPLACE TEMP VIEW candidates_tenure AS
SELECT person_id, tenure AS value, 0 AS validity, source, feed, record_id, observed_on FROM person_records WHERE tenure IS NOT NULL;
