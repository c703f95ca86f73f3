-- One common record per raw record: every field looked up in its parsed values; nothing of the raw row is lost.
-- A view: the rows are made while they are written.

-- A department's own number as text: blanks, apostrophes and full-width digits away; null when a spreadsheet rounded it.
CREATE OR REPLACE TEMP MACRO own_number(t, was_number) AS CASE
    WHEN was_number AND (length(t) > 15 OR regexp_matches(t, '[eE]')) THEN NULL
    WHEN upper(trim(t)) IN (SELECT word FROM missing_words) THEN NULL
    ELSE nullif(regexp_replace(translate(t, '０１２３４５６７８９－　', '0123456789- '), '[\s''`]', '', 'g'), '') END;

-- Two dates disagree as far as the less precise one tells.
CREATE OR REPLACE TEMP MACRO dates_disagree(own, fineness, of_number) AS coalesce(CASE fineness
    WHEN 'day' THEN own <> of_number
    WHEN 'month' THEN date_trunc('month', own) <> date_trunc('month', of_number)
    WHEN 'year' THEN year(own) <> year(of_number) END, false);

-- Words such as 子女 carry two codes, for men / for women.
CREATE OR REPLACE TEMP MACRO code_by_sex(code, sex) AS CASE
    WHEN strpos(code, '/') = 0 THEN code WHEN sex = '1' THEN split_part(code, '/', 1) WHEN sex = '2' THEN split_part(code, '/', 2) END;

CREATE OR REPLACE TEMP VIEW common_records AS
WITH looked_up AS (
    SELECT r.*, r.source || ':' || r.record_id AS record_key,
        n.night, n.registration_sources,
        i.kind AS number_kind, i.number, i.grade AS text_grade, i.partial, i.birth_date AS number_birth_date, i.sex AS number_sex, i.area_code,
        i.disability_kind, i.disability_level,
        sx.code AS sex_code,
        b.says_lunar, l.solar_day,
        CASE WHEN b.says_lunar THEN coalesce(l.solar_day, b.day) ELSE b.day END AS own_birth_date,
        -- 1 January that the number does not confirm is what people enter when they know the year only.
        CASE WHEN b.fineness = 'day' AND NOT b.says_lunar AND month(b.day) = 1 AND dayofmonth(b.day) = 1 AND b.day IS DISTINCT FROM i.birth_date
             THEN 'year' ELSE b.fineness END AS own_fineness
    FROM raw_records AS r
    CROSS JOIN night_parameters AS n
    LEFT JOIN code_map AS ik ON ik.field = 'identity_kind' AND ik.feed = r.feed AND ik.text = r.identity_kind
    LEFT JOIN parsed_identities AS i ON i.text = r.identity_number
        AND i.from_number_cell = coalesce(list_contains(r.numeric_cells, 'identity_number'), false)
        AND i.declared_kind IS NOT DISTINCT FROM nullif(ik.code, 'unknown')
    LEFT JOIN code_map AS sx ON sx.field = 'sex' AND sx.feed = r.feed AND sx.text = r.sex
    LEFT JOIN record_dates AS b ON b.field = 'birth_date' AND b.feed = r.feed AND b.text = date_text(r.birth_date)
        AND b.from_number_cell = coalesce(list_contains(r.numeric_cells, 'birth_date'), false)
    LEFT JOIN lunar_dates AS l ON l.day = b.day AND b.fineness = 'day'
)
SELECT
    r.source, r.feed, r.record_id, r.record_key, r.file, r.row_number, r.content_hash,
    -- Without a time of update: the last thing the row itself dates.
    coalesce(ob.day, greatest(ev.day, st.day, en.day)) AS observed_on,

    r.identity_number AS identity_number_raw,
    r.number_kind AS identity_kind,
    r.number AS identity_number,
    CASE WHEN r.text_grade IN ('A', 'B') AND ((r.sex_code IN ('1', '2') AND r.number_sex <> r.sex_code)
              OR dates_disagree(r.own_birth_date, r.own_fineness, r.number_birth_date)) THEN 'C'
         ELSE r.text_grade END AS identity_grade,
    r.partial AS identity_partial,
    r.number_birth_date AS identity_birth_date,
    r.number_sex AS identity_sex,
    r.area_code AS identity_area_code,
    r.disability_kind, r.disability_level,

    r.full_name AS full_name_raw,
    nm.full_name, nm.name_key, nm.name_sound, nm.surname, nm.given_name,
    -- 张小宝 is a placeholder for a baby and a name for everybody else.
    CASE WHEN nm.name_kind IS NULL THEN 'missing'
         WHEN nm.name_kind <> 'infant_name' THEN nm.name_kind
         WHEN coalesce(r.own_birth_date, r.number_birth_date) > r.night - INTERVAL 1 YEAR THEN 'newborn_placeholder'
         ELSE 'ordinary' END AS name_kind,
    coalesce(fn.full_name, nm.former_name) AS former_name,
    coalesce(fn.name_key, nm.former_name_key) AS former_name_key,
    r.sex_code AS sex,
    r.own_birth_date AS birth_date,
    r.own_fineness AS birth_date_precision,
    CASE WHEN r.own_fineness = 'day' AND NOT r.says_lunar AND r.own_birth_date < r.night - INTERVAL 40 YEAR THEN r.solar_day END AS birth_date_lunar,
    et.code AS ethnicity, ma.code AS marital_status, ed.code AS education, na.code AS nationality,
    ph.phones[1] AS phone,
    ph.phones AS phones,

    own_number(r.household_number, coalesce(list_contains(r.numeric_cells, 'household_number'), false)) AS household_number,
    hk.code AS household_kind,
    code_by_sex(re.code, CASE WHEN r.sex_code IN ('1', '2') THEN r.sex_code ELSE r.number_sex END) AS relation_to_head,
    hn.full_name AS head_name, hn.name_key AS head_name_key, hi.number AS head_identity_number,
    mn.name_key AS mother_name_key, mi.number AS mother_identity_number,
    sn.name_key AS spouse_name_key, si.number AS spouse_identity_number,
    cn.name_key AS contact_name_key, cp.phones[1] AS contact_phone,

    ha.address AS hukou_address, ha.division_code AS hukou_division_code, ha.street AS hukou_street, ha.community AS hukou_community,
    ha.road AS hukou_road, ha.road_number AS hukou_road_number, ha.estate AS hukou_estate, ha.building AS hukou_building,
    ha.unit AS hukou_unit, ha.room AS hukou_room, ha.dwelling_key AS hukou_dwelling_key, ha.building_key AS hukou_building_key,
    coalesce(ha.address_grade, 'none') AS hukou_address_grade,
    ra.address AS residence_address, ra.division_code AS residence_division_code, ra.street AS residence_street, ra.community AS residence_community,
    ra.road AS residence_road, ra.road_number AS residence_road_number, ra.estate AS residence_estate, ra.building AS residence_building,
    ra.unit AS residence_unit, ra.room AS residence_room, ra.dwelling_key AS residence_dwelling_key, ra.building_key AS residence_building_key,
    coalesce(ra.address_grade, 'none') AS residence_address_grade,
    own_number(r.dwelling_code, coalesce(list_contains(r.numeric_cells, 'dwelling_code'), false)) AS dwelling_code,
    own_number(r.grid_code, coalesce(list_contains(r.numeric_cells, 'grid_code'), false)) AS grid_code,

    -- Only a registration that ended (floating population) says something about the person; an allowance that ended does not.
    coalesce(ps.code, CASE WHEN en.day IS NOT NULL AND list_contains(r.registration_sources, r.source) THEN 'cancelled' END) AS person_status,
    pr.code AS presence, te.code AS tenure,
    st.day AS started_on, en.day AS ended_on,
    ek.code AS event_kind, ev.day AS event_date,
    r.remark
FROM looked_up AS r
LEFT JOIN parsed_names AS nm ON nm.text = r.full_name
LEFT JOIN parsed_names AS fn ON fn.text = r.former_name
LEFT JOIN parsed_names AS hn ON hn.text = r.head_name
LEFT JOIN parsed_names AS mn ON mn.text = r.mother_name
LEFT JOIN parsed_names AS sn ON sn.text = r.spouse_name
LEFT JOIN parsed_names AS cn ON cn.text = r.contact_name
LEFT JOIN parsed_identities AS hi ON hi.text = r.head_identity_number AND hi.declared_kind IS NULL
    AND hi.from_number_cell = coalesce(list_contains(r.numeric_cells, 'head_identity_number'), false)
LEFT JOIN parsed_identities AS mi ON mi.text = r.mother_identity_number AND mi.declared_kind IS NULL
    AND mi.from_number_cell = coalesce(list_contains(r.numeric_cells, 'mother_identity_number'), false)
LEFT JOIN parsed_identities AS si ON si.text = r.spouse_identity_number AND si.declared_kind IS NULL
    AND si.from_number_cell = coalesce(list_contains(r.numeric_cells, 'spouse_identity_number'), false)
LEFT JOIN code_map AS et ON et.field = 'ethnicity' AND et.feed = r.feed AND et.text = r.ethnicity
LEFT JOIN code_map AS ma ON ma.field = 'marital_status' AND ma.feed = r.feed AND ma.text = r.marital_status
LEFT JOIN code_map AS ed ON ed.field = 'education' AND ed.feed = r.feed AND ed.text = r.education
LEFT JOIN code_map AS na ON na.field = 'nationality' AND na.feed = r.feed AND na.text = r.nationality
LEFT JOIN code_map AS hk ON hk.field = 'household_kind' AND hk.feed = r.feed AND hk.text = r.household_kind
LEFT JOIN code_map AS re ON re.field = 'relation_to_head' AND re.feed = r.feed AND re.text = r.relation_to_head
LEFT JOIN code_map AS ps ON ps.field = 'person_status' AND ps.feed = r.feed AND ps.text = r.person_status
LEFT JOIN code_map AS pr ON pr.field = 'presence' AND pr.feed = r.feed AND pr.text = r.presence
LEFT JOIN code_map AS te ON te.field = 'tenure' AND te.feed = r.feed AND te.text = r.tenure
LEFT JOIN code_map AS ek ON ek.field = 'event_kind' AND ek.feed = r.feed AND ek.text = r.event_kind
LEFT JOIN record_dates AS ob ON ob.field = 'observed_on' AND ob.feed = r.feed AND ob.text = date_text(r.observed_on)
    AND ob.from_number_cell = coalesce(list_contains(r.numeric_cells, 'observed_on'), false)
LEFT JOIN record_dates AS st ON st.field = 'started_on' AND st.feed = r.feed AND st.text = date_text(r.started_on)
    AND st.from_number_cell = coalesce(list_contains(r.numeric_cells, 'started_on'), false)
LEFT JOIN record_dates AS en ON en.field = 'ended_on' AND en.feed = r.feed AND en.text = date_text(r.ended_on)
    AND en.from_number_cell = coalesce(list_contains(r.numeric_cells, 'ended_on'), false)
LEFT JOIN record_dates AS ev ON ev.field = 'event_date' AND ev.feed = r.feed AND ev.text = date_text(r.event_date)
    AND ev.from_number_cell = coalesce(list_contains(r.numeric_cells, 'event_date'), false)
LEFT JOIN parsed_phones AS ph ON ph.text = r.phone
LEFT JOIN parsed_phones AS cp ON cp.text = r.contact_phone
LEFT JOIN parsed_addresses AS ha ON ha.kind = 'hukou' AND ha.record_key = r.record_key
LEFT JOIN parsed_addresses AS ra ON ra.kind = 'residence' AND ra.record_key = r.record_key;
