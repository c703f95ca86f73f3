-- Which subgroup of residents somebody belongs to, by what all of one's records say together. The one definition for sampling, estimates and report;
-- their names stand in subgroup_names.sql.
-- Reads common_records and grouped_records(record_key, group_key): who somebody is, by person or, before there are persons, by number. $night
CREATE OR REPLACE TEMP TABLE group_features AS
SELECT group_key, min(name_sound) AS name_sound,
       bool_or(name_kind = 'minority' OR ethnicity BETWEEN '02' AND '56') AS minority_name_or_people,
       -- The middle one: a single wrong year makes nobody an infant or a centenarian.
       coalesce(min(identity_birth_date) FILTER (identity_grade = 'A'), quantile_disc(birth_date, 0.5)) AS born,
       bool_or(feed = 'police_hukou') AS has_hukou_here,
       bool_or(feed = 'police_floating' OR presence = 'present_without_hukou') AS lives_here_without_hukou,
       bool_or(identity_kind NOT IN ('resident_id', 'birth_certificate', 'disability_card', 'health_file_number', 'unknown') OR nationality <> 'CHN' OR name_kind = 'latin') AS foreigner,
       bool_and(identity_number IS NULL) AS numberless,
       bool_or(presence IN ('present_without_hukou', 'hukou_without_presence')) AS seen_apart,
       list_distinct(list(residence_dwelling_key) FILTER (residence_dwelling_key IS NOT NULL)) AS residences,
       list_distinct(list(hukou_dwelling_key) FILTER (hukou_dwelling_key IS NOT NULL)) AS hukou
FROM common_records JOIN grouped_records USING (record_key) GROUP BY group_key;

-- Twins live in one home, were born on one day, and have names of their own (one person twice is no twin); around them is who shares that home.
CREATE OR REPLACE TEMP TABLE twin_homes AS
WITH homes AS (SELECT DISTINCT group_key, name_sound, born, unnest(list_concat(residences, hukou)) AS home FROM group_features)
SELECT home, list(group_key) AS residents FROM homes WHERE home IN (
    SELECT home FROM homes WHERE born IS NOT NULL GROUP BY home, born HAVING count(DISTINCT group_key) > 1 AND count(DISTINCT name_sound) > 1
) GROUP BY home HAVING count(DISTINCT group_key) <= 12;

CREATE OR REPLACE TEMP TABLE group_subgroups AS
SELECT group_key, list_transform(list_filter([
    struct_pack(subgroup := 'minority', holds := minority_name_or_people),
    struct_pack(subgroup := 'under_1', holds := born > CAST($night AS DATE) - INTERVAL 1 YEAR),
    struct_pack(subgroup := 'over_80', holds := born <= CAST($night AS DATE) - INTERVAL 80 YEAR),
    struct_pack(subgroup := 'around_twins', holds := group_key IN (SELECT unnest(residents) FROM twin_homes)),
    struct_pack(subgroup := 'migrant', holds := lives_here_without_hukou AND NOT has_hukou_here),
    struct_pack(subgroup := 'foreign', holds := foreigner),
    struct_pack(subgroup := 'without_number', holds := numberless),
    struct_pack(subgroup := 'lives_elsewhere', holds := has_hukou_here AND (seen_apart OR len(residences) > 0 AND len(hukou) > 0 AND NOT list_has_any(residences, hukou)))
], lambda g: g.holds), lambda g: g.subgroup) AS subgroups
FROM group_features;
