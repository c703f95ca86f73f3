CREATE OR REPLACE TEMP TABLE parsed_addresses AS
WITH settled AS (
    SELECT a.* REPLACE (coalesce(k.site_key, a.site_key) AS site_key, coalesce(k.estate, a.estate) AS estate, coalesce(nullif(k.street, ''), a.site_street) AS site_street)
    FROM address_sited a LEFT JOIN candidate_sites k ON a.decided_by = 'several' AND k.scope = a.scope AND k.estate_name = a.estate_name
         AND k.building = a.building AND k.unit IS NOT DISTINCT FROM a.unit AND k.room = a.room
), coded AS (
    SELECT s.* REPLACE (coalesce(s.unit, c.dwelling.unit) AS unit, coalesce(s.room, c.dwelling.room) AS room)
    FROM settled s LEFT JOIN code_dwellings c ON c.dwelling_code = s.dwelling_code AND c.dwelling.site_key = s.site_key AND c.dwelling.building = s.building
         AND (s.room IS NULL OR s.room = c.dwelling.room) AND (s.unit IS NULL OR s.unit = c.dwelling.unit)
), whole AS (
    SELECT a.* REPLACE (CASE WHEN c.room IS NULL THEN a.room END AS room), b.has_units
    FROM coded a
    LEFT JOIN cut_rooms c ON NOT a.is_room_whole AND c.site_key = a.site_key AND c.building = a.building AND c.unit = coalesce(a.unit, '') AND c.room = a.room
    LEFT JOIN building_units b ON b.site_key = a.site_key AND b.building = a.building
), united AS (
    SELECT w.* REPLACE (coalesce(w.unit, o.unit, u.unit) AS unit)
    FROM whole w
    -- The same record's other address names the same room with its unit.
    LEFT JOIN whole o ON w.has_units AND w.unit IS NULL AND o.record_key = w.record_key AND o.kind <> w.kind AND o.site_key = w.site_key
         AND o.building = w.building AND o.room = w.room
    LEFT JOIN room_units u ON w.has_units AND w.unit IS NULL AND u.site_key = w.site_key AND u.building = w.building AND u.room = w.room
)
SELECT u.record_key, u.kind, u.address, u.full_code AS division_code, coalesce(u.street, u.site_street) AS street, coalesce(u.community, c.community) AS community,
       CASE WHEN u.form IN ('team', 'house') THEN nullif(concat(u.hamlet, u.team || '组'), '') ELSE u.road END AS road,
       u.road_number, u.estate, u.building, u.unit, u.room,
       CASE WHEN u.form IN ('team', 'house') THEN CASE WHEN u.road_number IS NOT NULL THEN
                 concat_ws('|', coalesce(u.full_code, u.county), u.street, u.community, concat(u.hamlet, u.team || '组'), u.road_number) END
            WHEN u.site_key IS NOT NULL AND u.building IS NOT NULL AND u.room IS NOT NULL AND (u.unit IS NOT NULL OR NOT u.has_units) THEN
                 concat_ws('|', u.site_key, u.building, coalesce(u.unit, ''), u.room) END AS dwelling_key,
       CASE WHEN u.building IS NOT NULL THEN u.site_key || '|' || u.building END AS building_key,
       CASE WHEN u.form IN ('team', 'house') AND u.road_number IS NOT NULL THEN 'room'
            WHEN coalesce(u.estate, CASE WHEN u.form = 'road' THEN u.road END) IS NOT NULL THEN
                 CASE WHEN u.building IS NULL THEN 'estate' WHEN u.room IS NULL THEN 'building' ELSE 'room' END
            WHEN coalesce(u.community, c.community) IS NOT NULL THEN 'community'
            WHEN coalesce(u.street, u.county, u.city, u.province, u.full_code) IS NOT NULL THEN 'region' ELSE 'none' END AS address_grade
FROM united u LEFT JOIN site_communities c ON c.street = u.site_street AND c.estate = u.estate AND u.decided_by <> 'several';
