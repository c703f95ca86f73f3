-- One row per record: what blocking rules and comparisons may look at. $shapes: path of the four-corner table (CSV). $filler dates are already null.
-- unique_id is the rank of the record key, so it does not depend on the order of input.
CREATE OR REPLACE TEMP TABLE match_features AS
WITH filler_numbers AS (
    -- A damaged number under several surnames is a filler somebody typed, not a trace of a person.
    SELECT left(identity_partial, 15) AS number15 FROM common_records
    WHERE identity_grade = 'E' AND strpos(left(identity_partial, 15), '_') = 0
    GROUP BY ALL HAVING count(DISTINCT left(name_key, 1)) >= 3
), base AS (
    SELECT
        row_number() OVER (ORDER BY record_key) AS unique_id,
        record_key, source, feed,
        CASE WHEN identity_grade IN ('A', 'B', 'C', 'D') THEN identity_number END AS number,
        identity_grade, identity_kind, identity_partial, identity_birth_date,
        CASE WHEN name_kind IN ('newborn_placeholder', 'nickname', 'missing') THEN NULL ELSE nullif(name_key, '') END AS name,
        CASE WHEN name_kind IN ('newborn_placeholder', 'nickname', 'missing') THEN NULL ELSE nullif(name_sound, '') END AS name_sound,
        name_kind,
        CASE WHEN name_kind = 'nickname' THEN regexp_replace(name_key, '^[老小阿]', '')[1] WHEN name_kind <> 'missing' THEN name_key[1] END AS name_surname,
        nullif(former_name_key, '') AS former_name,
        CASE WHEN strpos(full_name, '·') > 0 THEN string_split(full_name, '·') END AS name_segments,
        coalesce(birth_date, identity_birth_date) AS birth_date,
        birth_date IS NULL AND identity_birth_date IS NOT NULL AS birth_from_number,
        sex IS NULL OR sex NOT IN ('1', '2') AS sex_from_number,
        CASE WHEN birth_date IS NOT NULL THEN birth_date_precision WHEN identity_birth_date IS NOT NULL THEN 'day' END AS birth_precision,
        birth_date_lunar AS birth_lunar,
        coalesce(CASE WHEN sex IN ('1', '2') THEN sex END, identity_sex) AS sex,
        ethnicity,
        CASE WHEN len(phones) > 0 THEN list_sort(phones) END AS phones,
        contact_phone,
        head_name_key AS head_name, mother_name_key AS mother_name, mother_identity_number AS mother_number,
        CASE WHEN dwelling_code IS NULL THEN one_or_two(residence_dwelling_key, hukou_dwelling_key)
             ELSE list_sort(list_distinct(list_filter([residence_dwelling_key, hukou_dwelling_key, 'code ' || dwelling_code], lambda x: x IS NOT NULL))) END AS dwellings,
        one_or_two(residence_building_key, hukou_building_key) AS buildings,
        one_or_two(residence_community, hukou_community) AS communities,
        coalesce(residence_estate, residence_road, hukou_estate, hukou_road) AS estate
    FROM (SELECT * REPLACE (
        -- 王师傅, 老何, 李阿姨: how neighbours say it; only the surname is a name.
        CASE WHEN regexp_matches(name_key, '^.(师傅|阿姨|大爷|大妈|大伯|奶奶|爷爷|叔叔|先生|女士|小姐|太太|老师|老板)$') THEN 'nickname'
             WHEN regexp_matches(name_key, '^[老小阿].$') AND feed <> 'police_hukou' THEN 'nickname' ELSE name_kind END AS name_kind)
        FROM common_records)
)
, held AS (
    -- A good number under several names: whose it is, and who borrowed it.
    SELECT number FROM base WHERE identity_grade = 'A' AND name_sound IS NOT NULL GROUP BY number HAVING count(DISTINCT name_sound) > 1
), homes AS (
    SELECT unique_id, number, identity_grade, name, birth_date, birth_from_number, unnest(list_concat(dwellings, coalesce(phones, []))) AS home
    FROM base WHERE name IS NOT NULL AND name IN (SELECT name FROM base WHERE identity_grade = 'A' AND number IN (FROM held))
), borrowed AS (
    -- A relative's number entered by mistake: the record knows no birth date but the number's, the number is also somebody else's, and at
    -- the same home or phone the same name stands with another number, or with a birth date that is not the number's.
    SELECT DISTINCT b.unique_id
    FROM homes b JOIN homes o ON o.home = b.home AND o.name = b.name
    WHERE b.identity_grade = 'A' AND b.birth_from_number AND b.number IN (FROM held)
      AND (o.identity_grade = 'A' AND o.number <> b.number OR NOT o.birth_from_number AND o.birth_date <> b.birth_date AND o.number IS DISTINCT FROM b.number)
), settled AS (
    SELECT * EXCLUDE (is_borrowed)
           REPLACE (CASE WHEN NOT is_borrowed THEN number END AS number, CASE WHEN is_borrowed THEN 'X' ELSE identity_grade END AS identity_grade,
                    CASE WHEN NOT is_borrowed THEN birth_date END AS birth_date, CASE WHEN NOT is_borrowed THEN birth_precision END AS birth_precision,
                    birth_from_number AND NOT is_borrowed AS birth_from_number, CASE WHEN NOT is_borrowed OR NOT sex_from_number THEN sex END AS sex)
    FROM (SELECT *, unique_id IN (SELECT unique_id FROM borrowed) AS is_borrowed FROM base)
), named AS (
    -- Four-corner codes of a name, five digits a character: what looks alike differs in a digit or two.
    SELECT name, string_agg(coalesce(h.four_corner, '?????'), '' ORDER BY position) AS name_corners
    FROM (SELECT name, unnest(string_split(name, '')) AS char, generate_subscripts(string_split(name, ''), 1) AS position
          FROM (SELECT DISTINCT name FROM base WHERE length(name) BETWEEN 2 AND 4))
    LEFT JOIN (SELECT char, four_corner FROM read_csv($shapes, all_varchar = true)) h USING (char) GROUP BY name
), spelled AS (
    SELECT name, array_to_string(list_sort(string_split(name, '')), '') AS name_characters FROM (SELECT DISTINCT name FROM base)
), heard AS (
    -- Common mishearings: zh z, ch c, sh s, ing in, eng en, ang an, l n, hu f.
    SELECT name_sound, split_part(name_sound, ' ', 1) AS surname_sound,
           regexp_replace(regexp_replace(regexp_replace(regexp_replace(name_sound, '([zcs])h', '\1', 'g'), 'ng\b', 'n', 'g'), '\bl', 'n', 'g'), '\bhu', 'f', 'g') AS name_heard
    FROM (SELECT DISTINCT name_sound FROM base)
), renamed AS (
    -- Who had another name before, known by birth date and sex: 林海波, now 林骏力. Every record of either name learns the other.
    SELECT DISTINCT name, former_name, birth_date, sex FROM base WHERE former_name IS NOT NULL AND name IS NOT NULL AND birth_date IS NOT NULL AND former_name <> name
), other_names AS (
    SELECT name, birth_date, sex, list(DISTINCT other) AS other_names
    FROM (SELECT name, birth_date, sex, former_name AS other FROM renamed UNION ALL SELECT former_name, birth_date, sex, name FROM renamed) GROUP BY ALL
)
SELECT
    unique_id, record_key, source, feed, number, identity_grade, identity_kind,
    CASE
        WHEN number IS NOT NULL AND length(number) = 18 THEN left(number, 15)
        WHEN identity_grade = 'E' AND left(identity_partial, 15) NOT IN (SELECT number15 FROM filler_numbers) AND strpos(left(identity_partial, 15), '_') = 0 AND length(identity_partial) >= 15 THEN left(identity_partial, 15)
    END AS number15,
    CASE WHEN number IS NULL AND identity_grade = 'E' AND left(identity_partial, 15) NOT IN (SELECT number15 FROM filler_numbers) THEN identity_partial END AS number_pattern,
    CASE WHEN number IS NULL AND identity_grade = 'F' THEN identity_partial END AS number_damaged,
    good_number(identity_grade, identity_kind, number) AS good_number,
    name, name_sound, name_kind, former_name, o.other_names, name_segments, n.name_corners, name_surname,
    heard.surname_sound, s.name_characters, heard.name_heard,
    CASE WHEN name_kind = 'masked' OR strpos(name, '?') > 0 THEN replace(replace(name, '?', '_'), '*', '%') END AS name_pattern,
    birth_date, birth_precision, birth_lunar, birth_from_number, sex_from_number,
    CASE WHEN birth_precision = 'day' THEN strftime(birth_date, '%Y%m%d') END AS birth_day,
    CASE WHEN birth_precision IN ('day', 'month') THEN strftime(birth_date, '%Y%m') END AS birth_month,
    year(birth_date) AS birth_year,
    sex, ethnicity, phones, contact_phone, head_name, mother_name, mother_number,
    dwellings, buildings, communities, estate
FROM settled LEFT JOIN spelled s USING (name) LEFT JOIN heard USING (name_sound) LEFT JOIN named n USING (name) LEFT JOIN other_names o USING (name, birth_date, sex);
