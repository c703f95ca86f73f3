-- Every input row with its elements; a department's own columns count where they are filled.
CREATE OR REPLACE TEMP TABLE address_rows AS
WITH resolved AS (
    -- 同上, 同户籍地址: the record's own hukou address.
    SELECT i.* REPLACE (CASE WHEN i.kind = 'residence' AND regexp_matches(i.text, '^\s*同') THEN h.text ELSE i.text END AS text)
    FROM address_inputs i LEFT JOIN address_inputs h ON h.record_key = i.record_key AND h.kind = 'hukou'
)
SELECT i.record_key, i.kind, e.cleaned AS address, i.division_code AS given_code,
       coalesce(i.province, e.province) AS province, coalesce(i.city, e.city) AS city, coalesce(i.county, e.county) AS county,
       coalesce(i.street, e.street) AS street, coalesce(i.community, e.community) AS community,
       e.road, e.road_number, e.team, trim(coalesce(e.estate, i.estate)) AS estate_name,
       ltrim(coalesce(nullif(trim(i.building), ''), e.building), '0') AS building,
       ltrim(coalesce(nullif(trim(i.unit), ''), e.unit), '0') AS unit,
       ltrim(coalesce(nullif(trim(i.room), ''), e.room), '0') AS room,
       i.dwelling_code
FROM resolved i LEFT JOIN address_elements e USING (text);

-- A place that several names are written for: a road and number, or a building of the real-housing base (first 18 digits).
CREATE OR REPLACE TEMP TABLE estate_places AS
SELECT 'road ' || road || ' ' || road_number AS place, estate_name, count(*) AS n FROM address_rows
WHERE road IS NOT NULL AND team IS NULL AND estate_name IS NOT NULL GROUP BY ALL
UNION ALL
SELECT 'code ' || dwelling_code[:18], estate_name, count(*) FROM address_rows
WHERE length(dwelling_code) >= 18 AND estate_name IS NOT NULL GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE place_estates AS
SELECT place, arg_max(estate_name, (n, estate_name)) AS estate FROM estate_places
GROUP BY place HAVING max(n) >= $majority * sum(n) AND sum(n) >= 2;

-- A name is an alias when most of its uses stand at places whose usual name is another.
CREATE OR REPLACE TEMP TABLE estate_aliases AS
WITH votes AS (SELECT e.estate_name, p.estate, sum(e.n) AS n FROM estate_places e JOIN place_estates p USING (place) GROUP BY ALL),
best AS (SELECT estate_name, arg_max(estate, (n, estate)) AS estate, max(n) AS n, sum(n) AS total FROM votes GROUP BY estate_name)
SELECT estate_name, estate FROM best WHERE n >= $majority * total AND estate_name <> estate;

-- A short name without its suffix, not seen at any place: the one known estate that begins with it.
CREATE OR REPLACE TEMP TABLE estate_stems AS
WITH known AS (SELECT DISTINCT estate FROM place_estates),
unknown AS (SELECT DISTINCT estate_name FROM address_rows WHERE estate_name IS NOT NULL AND length(estate_name) >= 2
            AND estate_name NOT IN (SELECT estate FROM known) AND estate_name NOT IN (SELECT estate_name FROM estate_aliases))
SELECT u.estate_name, min(k.estate) AS estate
FROM unknown u JOIN known k ON starts_with(k.estate, u.estate_name) OR starts_with(u.estate_name, k.estate)
GROUP BY u.estate_name HAVING count(*) = 1;

CREATE OR REPLACE TEMP TABLE address_named AS
SELECT r.*, coalesce(a.estate, s.estate, r.estate_name, p.estate) AS estate
FROM address_rows r
LEFT JOIN estate_aliases a USING (estate_name)
LEFT JOIN estate_stems s USING (estate_name)
LEFT JOIN place_estates p ON p.place = 'road ' || r.road || ' ' || r.road_number AND r.team IS NULL;

-- In which street an estate lies, if nearly all who say so agree.
CREATE OR REPLACE TEMP TABLE estate_streets AS
SELECT estate, arg_max(street, (n, street)) AS street
FROM (SELECT estate, street, count(*) AS n FROM address_named WHERE estate IS NOT NULL AND street IS NOT NULL GROUP BY ALL)
GROUP BY estate HAVING max(n) >= 0.9 * sum(n);

-- Which unit a room belongs to, if only one unit of the building has it.
CREATE OR REPLACE TEMP TABLE room_units AS
SELECT estate, building, room, min(unit) AS unit FROM address_named
WHERE estate IS NOT NULL AND building <> '' AND room <> '' AND unit <> ''
GROUP BY ALL HAVING count(DISTINCT unit) = 1;
