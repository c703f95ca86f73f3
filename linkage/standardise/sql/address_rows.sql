-- Every input row with its elements. A department's own columns are one statement: the text fills their gaps only where it names the same building.
CREATE OR REPLACE TEMP TABLE address_rows AS
WITH said AS (
    SELECT i.* REPLACE (address_name(i.estate) AS estate, address_name(i.street) AS street, address_name(i.community) AS community,
               plain_number(i.building, '[幢栋座楼号#]+') AS building, plain_number(i.unit, '(单元|单|门)') AS unit, plain_number(i.room, '[室房户号]') AS room), t.said
    FROM address_inputs i LEFT JOIN address_texts t USING (text)
), resolved AS (
    -- 同上, 同户籍地址: the record's own hukou address, unless the row itself says where.
    SELECT s.* REPLACE (CASE WHEN s.said = 'address' THEN s.text WHEN s.said = 'as registered' AND s.estate IS NULL THEN h.text END AS text)
    FROM said s LEFT JOIN said h ON s.said = 'as registered' AND s.kind = 'residence' AND h.kind = 'hukou' AND h.said = 'address' AND h.record_key = s.record_key
), filled AS (
    SELECT r.record_key, r.kind,
           CASE WHEN e.cleaned IS NOT NULL THEN e.cleaned WHEN r.estate IS NOT NULL THEN
                concat(r.province, r.city, r.county, r.street, r.community, r.estate, r.building || '幢', r.unit || '单元', r.room || '室') END AS address,
           e.kind AS form, coalesce(e.province, c.province) AS province, coalesce(e.city, c.city) AS city,
           coalesce(e.county, c.county) AS county, coalesce(e.code, c.code) AS code, d.current_code AS given_code,
           coalesce(e.street, r.street) AS street, coalesce(e.community, r.community) AS community,
           e.road, e.road_number, e.hamlet, e.team, estate_name(coalesce(r.estate, e.estate)) AS estate_name,
           coalesce(r.building, plain_number(e.building, '')) AS building,
           r.building IS NULL OR r.building = plain_number(e.building, '') AS same_building,
           r.unit, r.room, plain_number(e.unit, '') AS text_unit, plain_number(e.room, '') AS text_room,
           coalesce(e.is_room_whole, false) OR r.room IS NOT NULL AS is_room_whole,
           nullif(regexp_replace(r.dwelling_code, '[^0-9A-Za-z]', '', 'g'), '') AS dwelling_code
    FROM resolved r LEFT JOIN address_elements e USING (text)
    LEFT JOIN column_divisions c ON c.text = nullif(concat(r.province, r.city, r.county), '')
    LEFT JOIN division_codes d ON d.code = r.division_code
)
-- Stewards' names count before anything learned.
SELECT f.* EXCLUDE (same_building, text_unit, text_room)
       REPLACE (coalesce(n.road, f.road) AS road, coalesce(s.estate, g.estate, f.estate_name) AS estate_name,
                coalesce(f.unit, CASE WHEN f.same_building THEN f.text_unit END) AS unit, coalesce(f.room, CASE WHEN f.same_building THEN f.text_room END) AS room)
FROM filled f
LEFT JOIN steward_roads n ON n.old_road = f.road
LEFT JOIN steward_estates s ON s.alias = f.estate_name AND s.street = f.street
LEFT JOIN steward_estates g ON g.alias = f.estate_name AND g.street = '';
