-- County names are not unique in the country: without a city the code counts that most addresses of the night with that name have.
CREATE OR REPLACE TEMP TABLE county_codes AS
WITH full_names AS (
    SELECT r.province, r.city, r.county, d.code, count(*) AS n
    FROM address_rows r JOIN division_names d ON d.county = r.county AND (d.city = r.city OR d.province = r.province)
    WHERE r.county IS NOT NULL AND coalesce(r.city, r.province) IS NOT NULL GROUP BY ALL
), exact AS (SELECT province, city, county, arg_max(code, (n, code)) AS code FROM full_names GROUP BY ALL),
usual AS (SELECT county, arg_max(code, (n, code)) AS code FROM (SELECT county, code, sum(n) AS n FROM full_names GROUP BY ALL) GROUP BY county),
only_one AS (SELECT county, min(code) AS code FROM division_names GROUP BY county HAVING count(*) = 1)
SELECT DISTINCT r.province, r.city, r.county, coalesce(e.code, u.code, o.code) AS code
FROM address_rows r
LEFT JOIN exact e ON e.province IS NOT DISTINCT FROM r.province AND e.city IS NOT DISTINCT FROM r.city AND e.county = r.county
LEFT JOIN usual u ON u.county = r.county LEFT JOIN only_one o ON o.county = r.county
WHERE r.county IS NOT NULL;

CREATE OR REPLACE TEMP TABLE parsed_addresses AS
WITH filled AS (
    SELECT n.* REPLACE (coalesce(n.street, s.street) AS street, coalesce(nullif(n.unit, ''), u.unit) AS unit, nullif(n.building, '') AS building, nullif(n.room, '') AS room),
           coalesce(d.current_code, c.code) AS code
    FROM address_named n
    LEFT JOIN estate_streets s ON s.estate = n.estate
    LEFT JOIN room_units u ON u.estate = n.estate AND u.building = n.building AND u.room = n.room
    LEFT JOIN division_codes d ON d.code = n.given_code
    LEFT JOIN county_codes c ON c.province IS NOT DISTINCT FROM n.province AND c.city IS NOT DISTINCT FROM n.city AND c.county = n.county
), keyed AS (
    SELECT *, coalesce(estate, road || road_number) AS site, concat_ws('|', street, coalesce(estate, road || road_number)) AS site_key FROM filled
)
SELECT record_key, kind, address, code AS division_code, street, community, coalesce(road, team || '组') AS road, road_number, estate, building, unit, room,
       CASE WHEN team IS NOT NULL AND road_number IS NOT NULL THEN concat_ws('|', coalesce(code, county), street, community, team, road_number)
            WHEN site IS NOT NULL AND building IS NOT NULL AND unit IS NOT NULL AND room IS NOT NULL THEN concat_ws('|', site_key, building, unit, room) END AS dwelling_key,
       CASE WHEN site IS NOT NULL AND building IS NOT NULL THEN concat_ws('|', site_key, building) END AS building_key,
       CASE WHEN room IS NOT NULL AND building IS NOT NULL AND site IS NOT NULL OR team IS NOT NULL AND road_number IS NOT NULL THEN 'room'
            WHEN building IS NOT NULL AND site IS NOT NULL THEN 'building' WHEN site IS NOT NULL THEN 'estate'
            WHEN community IS NOT NULL THEN 'community' WHEN coalesce(street, county, city, province) IS NOT NULL THEN 'region' ELSE 'none' END AS address_grade
FROM keyed;
