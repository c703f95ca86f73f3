-- Rows with all that is learned about their site; site_key is null while it is undecided which site a name means.
CREATE OR REPLACE TEMP TABLE address_sited AS
SELECT n.* EXCLUDE (site_street), coalesce(n.site_street, s.street) AS site_street,
       coalesce(n.code, n.given_code, y.code, t.code) AS full_code,
       CASE WHEN n.decided_by = 'several' THEN NULL
            WHEN n.estate IS NOT NULL THEN concat_ws('|', coalesce(n.site_street, s.street, n.code, n.given_code, y.code), n.estate)
            WHEN n.form = 'road' THEN concat_ws('|', coalesce(n.code, n.given_code, y.code, t.code), n.road || n.road_number) END AS site_key
FROM address_named n
LEFT JOIN estate_streets s ON s.estate = n.estate AND n.decided_by IS DISTINCT FROM 'several'
LEFT JOIN county_codes y ON y.county = n.county
LEFT JOIN street_codes t ON t.street = coalesce(n.site_street, s.street);

-- Rooms that the night knows, with how often they are written whole.
CREATE OR REPLACE TEMP TABLE known_dwellings AS
SELECT site_key, building, coalesce(unit, '') AS unit, room, count(*) AS n, count(*) FILTER (is_room_whole) AS n_whole
FROM address_sited WHERE site_key IS NOT NULL AND building IS NOT NULL AND room IS NOT NULL GROUP BY ALL;

-- A name that stands for several sites here, and only one of them has such a room.
CREATE OR REPLACE TEMP TABLE candidate_sites AS
WITH asked AS (
    SELECT DISTINCT scope, estate_name, building, unit, room FROM address_sited WHERE decided_by = 'several' AND building IS NOT NULL AND room IS NOT NULL
)
SELECT a.*, min(v.street) AS street, min(v.estate) AS estate, min(k.site_key) AS site_key
FROM asked a JOIN name_votes v ON v.scope = a.scope AND v.estate_name = a.estate_name
JOIN known_dwellings k ON k.site_key = concat_ws('|', nullif(v.street, ''), v.estate) AND k.building = a.building AND k.room = a.room
    AND (a.unit IS NULL OR k.unit IN ('', a.unit))
GROUP BY ALL HAVING count(DISTINCT k.site_key) = 1;

-- What the records with one dwelling code say about unit and room.
CREATE OR REPLACE TEMP TABLE code_dwellings AS
WITH counted AS (
    SELECT dwelling_code, site_key, building, unit, room, count(*) AS n FROM address_sited
    WHERE dwelling_code IS NOT NULL AND site_key IS NOT NULL AND building IS NOT NULL AND room IS NOT NULL AND is_room_whole GROUP BY ALL
)
SELECT dwelling_code, arg_max(struct_pack(site_key, building, unit, room), (n, site_key, building, unit, room)) AS dwelling
FROM counted GROUP BY dwelling_code HAVING max(n) >= $majority * sum(n);

-- A room that nobody writes whole and that longer ones begin with was cut off (1幢2单元130 of 1303).
CREATE OR REPLACE TEMP TABLE cut_rooms AS
SELECT DISTINCT d.site_key, d.building, d.unit, d.room FROM known_dwellings d JOIN known_dwellings w USING (site_key, building, unit)
WHERE d.n_whole = 0 AND w.n_whole > 0 AND length(w.room) > length(d.room) AND starts_with(w.room, d.room);

-- Does a building have units? Of a building written rarely its site speaks.
CREATE OR REPLACE TEMP TABLE building_units AS
WITH buildings AS (
    SELECT site_key, building, sum(n) AS n, coalesce(sum(n) FILTER (unit <> ''), 0) AS n_unit FROM known_dwellings GROUP BY ALL
), sites AS (SELECT site_key, sum(n_unit) / sum(n) AS share FROM buildings GROUP BY site_key)
SELECT site_key, building, CASE WHEN n >= 5 THEN n_unit / n ELSE share END >= $few AS has_units FROM buildings JOIN sites USING (site_key);

-- The unit of a room without one, if the night knows that room in one unit only, and knows most rooms of the building.
CREATE OR REPLACE TEMP TABLE room_units AS
WITH known AS (
    SELECT site_key, building, count(*) / (count(DISTINCT unit) * count(DISTINCT room)) AS share FROM known_dwellings WHERE unit <> '' GROUP BY ALL
)
SELECT site_key, building, room, min(unit) AS unit FROM known_dwellings JOIN known k USING (site_key, building)
WHERE unit <> '' AND k.share >= $known_rooms GROUP BY ALL HAVING count(*) = 1;
