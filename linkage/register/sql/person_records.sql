-- Each record with the person it belongs to, and how an address reads best.
CREATE OR REPLACE TEMP TABLE person_records AS
SELECT l.person_id,
       r.source, r.feed, r.record_id, r.record_key, r.file, r.row_number, r.observed_on, r.identity_kind, r.identity_number, r.identity_grade,
       r.identity_birth_date, r.identity_sex, r.full_name, r.name_key, r.name_kind, r.former_name, r.sex, r.birth_date, r.birth_date_precision,
       r.ethnicity, r.marital_status, r.education, r.nationality, r.phone, r.phones, r.household_number, r.hukou_address, r.hukou_division_code,
       r.hukou_street, r.hukou_community, r.hukou_dwelling_key, r.hukou_address_grade, r.residence_address, r.residence_division_code,
       r.residence_street, r.residence_community, r.residence_dwelling_key, r.residence_address_grade, r.dwelling_code, r.grid_code, r.person_status,
       r.presence, r.tenure, r.ended_on, r.event_date
FROM common_records r JOIN links l USING (source, record_id);

-- The fullest way anybody wrote a dwelling tonight: with road and number, from the province down, without a slip of the pen.
CREATE OR REPLACE TEMP TABLE dwelling_texts AS
WITH writings AS (
    SELECT hukou_dwelling_key AS dwelling_key, hukou_address AS address FROM common_records WHERE hukou_dwelling_key IS NOT NULL
    UNION ALL SELECT residence_dwelling_key, residence_address FROM common_records WHERE residence_dwelling_key IS NOT NULL
), counted AS (SELECT dwelling_key, address, count(*) AS n FROM writings WHERE address IS NOT NULL GROUP BY ALL)
SELECT dwelling_key,
       arg_max(address, (CAST(regexp_matches(address, '^.{2,8}(省|自治区|市)') AS INTEGER) + CAST(regexp_matches(address, '[0-9]号') AS INTEGER)
                         + CAST(regexp_matches(address, '街道|镇|乡') AS INTEGER) + CAST(regexp_matches(address, '社区|村') AS INTEGER)
                         + CAST(ends_with(address, '室') AS INTEGER), n, address)) AS address
FROM counted GROUP BY dwelling_key;

-- The addresses that name the home in which the resolver placed a person: basis_key is a dwelling's code or its address key.
CREATE OR REPLACE TEMP TABLE home_keys AS
WITH homes AS (
    SELECT m.person_id, l.basis_key FROM members m JOIN household_links l USING (household_id) WHERE m.valid_to IS NULL AND l.basis <> 'household_number'
), named AS (
    SELECT DISTINCT dwelling_code AS basis_key, residence_dwelling_key AS dwelling_key FROM common_records WHERE dwelling_code IS NOT NULL AND residence_dwelling_key IS NOT NULL
)
SELECT person_id, basis_key AS dwelling_key FROM homes UNION SELECT person_id, dwelling_key FROM homes JOIN named USING (basis_key);
