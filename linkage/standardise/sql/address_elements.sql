-- From left to right: province, city, county (only names that exist), street, community or village, road and number, the rest.
CREATE OR REPLACE TEMP TABLE address_elements AS
WITH provinces AS (SELECT DISTINCT province FROM division_names WHERE province IS NOT NULL),
cities AS (SELECT DISTINCT city FROM division_names WHERE city IS NOT NULL),
counties AS (SELECT DISTINCT county FROM division_names),
p AS (SELECT t.text, t.cleaned, n.province, t.cleaned[length(coalesce(n.province, '')) + 1:] AS rest
      FROM address_texts t LEFT JOIN provinces n ON n.province = regexp_extract(t.cleaned, '^(.{1,8}?(?:省|自治区|市))', 1)),
y AS (SELECT p.text, p.cleaned, p.province, n.city, p.rest[length(coalesce(n.city, '')) + 1:] AS rest
      FROM p LEFT JOIN cities n ON n.city = regexp_extract(p.rest, '^(.{1,14}?(?:自治州|地区|盟|市))', 1)),
c AS (SELECT y.text, y.cleaned, y.province, y.city, n.county, y.rest[length(coalesce(n.county, '')) + 1:] AS rest
      FROM y LEFT JOIN counties n ON n.county = coalesce(nullif(regexp_extract(y.rest, '^(.{1,12}?(?:自治县|区|县|市|旗))', 1), ''), '?')),
s AS (SELECT *, nullif(regexp_extract(rest, '^([^0-9区县号]{1,8}?(?:街道|镇|乡))', 1), '') AS street FROM c),
m AS (SELECT * REPLACE (rest[length(coalesce(street, '')) + 1:] AS rest) FROM s),
v AS (SELECT *, coalesce(nullif(regexp_extract(rest, '^([^0-9号]{1,10}?社区)', 1), ''),
                         nullif(regexp_extract(rest, '^([^0-9号]{1,10}?村)(?:委会)?(?:[0-9]+组|.{1,10}(?:路|街|巷))', 1), '')) AS community FROM m),
w AS (SELECT * REPLACE (regexp_replace(rest[length(coalesce(community, '')) + 1:], '^(委会|村委会)', '') AS rest) FROM v),
r AS (SELECT *, regexp_extract(rest, '^([^0-9号]{1,10}(?:路|街|巷|弄|大道|胡同))([0-9]+(?:-[0-9]+)?)号(.*)$', ['road', 'number', 'behind']) AS placed,
             regexp_extract(rest, '^(.{0,10}?)([0-9]+)组(?:([0-9]+)号?)?(.*)$', ['hamlet', 'team', 'house', 'behind']) AS village FROM w),
b AS (
    SELECT text, cleaned, province, city, county, street, community, road, road_number, team, rest,
           regexp_extract(rest, '^([^0-9]*?)([一二三四五六七八九十]+|[0-9]+)(?:幢|栋|座|号楼|#楼?)(?:([一二三四五六七八九十]+|[0-9]+)单元?)?([0-9]+)?', ['estate', 'building', 'unit', 'room']) AS named,
           regexp_extract(rest, '^([^0-9]*)([0-9]+)-([0-9]+)(?:-([0-9]*))?', ['estate', 'building', 'second', 'third']) AS chained,
           regexp_matches(rest, '[0-9]-[0-9]+-') AS three_parts
    FROM (SELECT * REPLACE (CASE WHEN placed.road <> '' AND placed.behind[1] IS DISTINCT FROM '楼' THEN placed.behind WHEN village.team <> '' THEN village.behind ELSE rest END AS rest),
                 CASE WHEN placed.road <> '' AND placed.behind[1] IS DISTINCT FROM '楼' THEN placed.road END AS road,
                 CASE WHEN placed.road <> '' AND placed.behind[1] IS DISTINCT FROM '楼' THEN placed.number ELSE nullif(village.house, '') END AS road_number,
                 CASE WHEN placed.road = '' THEN nullif(village.team, '') END AS team FROM r)
)
SELECT b.text, b.cleaned, b.province, b.city, b.county, b.street, b.community, b.road, b.road_number, b.team,
       nullif(CASE WHEN b.named.building <> '' THEN b.named.estate WHEN b.chained.building <> '' THEN b.chained.estate
                   WHEN regexp_matches(b.rest, '^[^0-9]{2,10}$') THEN b.rest ELSE '' END, '') AS estate,
       nullif(CASE WHEN b.named.building <> '' THEN coalesce(nb.digits, b.named.building) ELSE b.chained.building END, '') AS building,
       nullif(CASE WHEN b.named.building <> '' THEN coalesce(nu.digits, b.named.unit) WHEN b.three_parts THEN b.chained.second ELSE '' END, '') AS unit,
       nullif(CASE WHEN b.named.building <> '' THEN b.named.room WHEN b.three_parts THEN b.chained.third ELSE b.chained.second END, '') AS room
FROM b LEFT JOIN chinese_numbers nb ON nb.text = b.named.building LEFT JOIN chinese_numbers nu ON nu.text = b.named.unit;
