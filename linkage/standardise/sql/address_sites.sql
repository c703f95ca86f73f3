-- A site is an estate in a street. Which one a row means is learned from the night: first what stands at a place that others can see too.
-- A place: a road and number, or a building of the real-housing base.
CREATE OR REPLACE TEMP TABLE address_places AS
SELECT 'road ' || coalesce(code, '') || ' ' || road || ' ' || road_number AS place, code, street, community, estate_name, count(*) AS n FROM address_rows
WHERE form = 'road' AND estate_name IS NOT NULL AND length(estate_name) >= 2 GROUP BY ALL
UNION ALL
SELECT 'road ' || road || ' ' || road_number, code, street, community, estate_name, count(*) FROM address_rows
WHERE form = 'road' AND estate_name IS NOT NULL AND length(estate_name) >= 2 GROUP BY ALL
UNION ALL
SELECT 'code ' || dwelling_code[:$building_digits], code, street, community, estate_name, count(*) FROM address_rows
WHERE length(dwelling_code) > $building_digits AND estate_name IS NOT NULL AND length(estate_name) >= 2 GROUP BY ALL;

-- The usual name at a place, and names that are usual wherever they are written. Only those can be what a place is called.
CREATE OR REPLACE TEMP TABLE usual_names AS
WITH counted AS (SELECT place, estate_name, sum(n) AS n FROM address_places GROUP BY ALL),
usual AS (SELECT place, arg_max(estate_name, (n, estate_name)) AS usual_name FROM counted GROUP BY place)
SELECT estate_name FROM counted JOIN usual USING (place) GROUP BY estate_name HAVING sum(if(estate_name = usual_name, n, 0)) >= $majority * sum(n);

CREATE OR REPLACE TEMP TABLE place_sites AS
WITH named AS (
    SELECT place, estate_name AS estate, sum(n) AS n FROM address_places JOIN usual_names USING (estate_name) GROUP BY ALL
), streets AS (
    SELECT place, street, sum(n) AS n FROM address_places WHERE street IS NOT NULL GROUP BY ALL
), street AS (
    SELECT place, arg_max(street, (n, street)) AS street FROM streets GROUP BY place HAVING max(n) >= $sure * sum(n)
)
SELECT place, arg_max(estate, (n, estate)) AS estate, any_value(s.street) AS street
FROM named LEFT JOIN street s USING (place) GROUP BY place HAVING max(n) >= $majority * sum(n) AND sum(n) >= 2;

-- What a name means, by what is known around it: votes of the rows that name a place. '' in a scope: not known.
CREATE OR REPLACE TEMP TABLE name_votes AS
WITH votes AS (
    SELECT v.code, v.street, v.community, v.estate_name, p.street AS site_street, p.estate, sum(v.n) AS n
    FROM address_places v JOIN place_sites p USING (place) GROUP BY ALL
)
SELECT scope, estate_name, coalesce(site_street, '') AS street, estate, sum(n) AS n FROM (
    SELECT 'community ' || street || ' ' || community AS scope, * EXCLUDE (code, street, community) FROM votes WHERE street IS NOT NULL AND community IS NOT NULL
    UNION ALL SELECT 'street ' || street, * EXCLUDE (code, street, community) FROM votes WHERE street IS NOT NULL
    UNION ALL SELECT 'county ' || code, * EXCLUDE (code, street, community) FROM votes WHERE code IS NOT NULL
    UNION ALL SELECT 'all', * EXCLUDE (code, street, community) FROM votes
) GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE name_sites AS
SELECT scope, estate_name, arg_max(struct_pack(street, estate), (n, street, estate)) AS site, max(n) >= $sure * sum(n) AS is_sure
FROM name_votes GROUP BY ALL;

-- A name never seen at a place: another with 小区 added or left out, if only one of the same street is known.
CREATE OR REPLACE TEMP TABLE stem_sites AS
WITH known AS (SELECT DISTINCT street, estate FROM place_sites WHERE street IS NOT NULL),
unknown AS (SELECT DISTINCT street, estate_name FROM address_rows r WHERE street IS NOT NULL AND length(estate_name) >= 2
            AND NOT EXISTS (SELECT 1 FROM name_sites n WHERE n.scope = 'street ' || r.street AND n.estate_name = r.estate_name))
SELECT u.street, u.estate_name, min(k.estate) AS estate
FROM unknown u JOIN known k ON k.street = u.street AND (starts_with(k.estate, u.estate_name) OR k.estate || '小区' = u.estate_name)
GROUP BY ALL HAVING count(*) = 1;
