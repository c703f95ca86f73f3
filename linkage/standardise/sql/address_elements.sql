-- From left to right. Head: division (head_divisions), street, community or village, and then a road, a hamlet or an estate.
CREATE OR REPLACE TEMP TABLE address_head_parts AS
WITH s AS (
    SELECT text AS head, province, city, county, code, rest,
           regexp_extract(rest, '^([^区县号]{1,8}?(?:街道|镇|乡|苏木))(?:办事处|人民政府)?(?:[^路街道巷弄里苑园府庭湾]|$)', 1) AS street FROM head_divisions
), m AS (
    SELECT * REPLACE (nullif(street, '') AS street, regexp_replace(rest[length(street) + 1:], '^(办事处|人民政府)', '') AS rest) FROM s
), v AS (
    SELECT *, regexp_extract(rest, '^([^号]{1,10}?(?:社区|居委会|居民区))(?:居委会|居民委员会)?(.*)$', ['community', 'behind']) AS town,
           regexp_extract(rest, '^([^号]{1,10}?村)(?:委会|民委员会)?(.*)$', ['community', 'behind']) AS village FROM m
), c AS (
    SELECT * EXCLUDE (rest, town, village), nullif(town.community, '') AS community, CASE WHEN town.community <> '' THEN town.behind ELSE rest END AS rest,
           nullif(village.community, '') AS village, village.behind AS behind_village FROM v
)
SELECT *, regexp_matches(rest, '^.{1,12}(路|街|巷|弄|大道|胡同|里弄|道|线|坊|支路)$') AS is_road,
       regexp_matches(behind_village, '^.{2,12}(路|街|巷|弄|大道|胡同)$') AS is_village_road
FROM c;

CREATE OR REPLACE TEMP TABLE address_elements AS
WITH t AS (
    SELECT s.text, s.cleaned, h.* EXCLUDE (head), s.cleaned[length(s.head) + 1:] AS tail
    FROM address_split s JOIN address_head_parts h USING (head)
), placed AS (
    SELECT *, CASE WHEN is_road THEN regexp_extract(tail, '^([0-9]+(?:-[0-9]+)?弄)?([0-9]+(?:-[0-9]+)?)(?:[甲乙丙丁])?(号院?|弄)(.*)$', ['lane', 'number', 'sign', 'behind']) END AS door,
           CASE WHEN NOT is_road OR is_village_road THEN regexp_extract(tail, '^第?([0-9]+)(?:村民)?(?:小组|组|社|生产队|队)(?:([0-9]+(?:-[0-9]+)?)号?)?(.*)$', ['team', 'number', 'behind']) END AS team,
           CASE WHEN village IS NOT NULL AND NOT is_road AND NOT regexp_matches(village, '新村$') THEN regexp_extract(tail, '^([0-9]+(?:-[0-9]+)?)号?$', 1) END AS house
    FROM t
), kind AS (
    SELECT *, CASE WHEN door.number <> '' AND door.behind[1] IS DISTINCT FROM '楼' THEN 'road' WHEN team.team <> '' THEN 'team' WHEN house <> '' THEN 'house'
                   ELSE 'estate' END AS kind FROM placed
), b AS (
    SELECT text, cleaned, province, city, county, code, street, kind,
           CASE WHEN community IS NOT NULL THEN community WHEN kind IN ('team', 'house') OR is_village_road AND kind = 'road' THEN village END AS community,
           CASE WHEN kind = 'road' THEN concat(CASE WHEN community IS NULL AND is_village_road THEN behind_village ELSE rest END, door.lane) END AS road,
           CASE kind WHEN 'road' THEN concat(door.number, if(door.sign = '弄', '弄', '')) WHEN 'team' THEN nullif(team.number, '') WHEN 'house' THEN house END AS road_number,
           CASE WHEN kind IN ('team', 'house') THEN nullif(CASE WHEN community IS NULL AND village IS NOT NULL THEN behind_village ELSE rest END, '') END AS hamlet,
           CASE kind WHEN 'team' THEN team.team END AS team,
           CASE kind WHEN 'road' THEN door.behind WHEN 'estate' THEN rest || tail ELSE '' END AS behind
    FROM kind
), r AS (
    SELECT *, CASE WHEN behind = '' THEN NULL
                   WHEN regexp_matches(behind, '[0-9A-Z东西南北中甲乙丙丁](幢|栋|座|号楼|#)') THEN regexp_extract(behind,
        '^(.*?)第?([A-Z]?[0-9]+(?:-[0-9]+)?[A-Z]?|[A-Z]|[东西南北中甲乙丙丁])(?:幢|栋|座|号楼|#楼?)(.*)$', ['estate', 'building', 'behind'])
                   WHEN regexp_matches(behind, '[0-9A-Z]-') THEN regexp_extract(behind, '^(.*?)([A-Z]?[0-9]+[A-Z]?)-(.*)$', ['estate', 'building', 'behind'])
                   WHEN regexp_matches(behind, '[0-9]号.') THEN regexp_extract(behind, '^(.*?)([A-Z]?[0-9]+[A-Z]?)号(.*)$', ['estate', 'building', 'behind'])
                   WHEN regexp_matches(behind, '(单元|室|房)$') THEN regexp_extract(behind, '^([^0-9]*)()(.*)$', ['estate', 'building', 'behind'])
              END AS named
    FROM b
), u AS (
    SELECT * EXCLUDE (named), named.estate AS estate_before, named.building AS building, coalesce(named.behind, '') AS after,
           CASE WHEN named.behind <> '' THEN regexp_extract(named.behind,
               '^-?(?:([0-9A-Z东西南北中甲乙丙丁]+)(?:单元?|门洞?|梯)|([0-9]{1,2}|[A-Z])-)?(?:[0-9]+[层楼])?-?(?:[0-9]{1,2}-)?((?:[A-Z]?[0-9]+[A-Z]?(?:-[0-9A-Z]+)?[东西南北中]?)?)(室|房|户|号)?', ['unit', 'chained', 'room', 'sign']) END AS flat
    FROM r
)
SELECT text, cleaned, kind, province, city, county, code, street, community, road, road_number, hamlet, team,
       nullif(CASE WHEN building IS NOT NULL THEN estate_before WHEN regexp_matches(behind, '^[^0-9A-Z]{2,12}$') THEN behind END, '') AS estate,
       nullif(building, '') AS building, nullif(concat(flat.unit, flat.chained), '') AS unit,
       -- One or two digits without 室 are what a cut-off text leaves of a unit or a room.
       CASE WHEN flat.room <> '' AND (flat.sign <> '' OR length(regexp_replace(flat.room, '[^0-9]', '', 'g')) >= 3) THEN flat.room END AS room,
       coalesce(flat.sign <> '', false) AS is_room_whole
FROM u;
