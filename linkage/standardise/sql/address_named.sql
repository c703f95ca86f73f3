-- Which site each distinct surrounding means. Undecided: the name stands for several sites here and no place says which.
CREATE OR REPLACE TEMP TABLE address_surroundings AS
SELECT DISTINCT code, street, community, if(form = 'road', road, NULL) AS road, if(form = 'road', road_number, NULL) AS road_number, estate_name,
       dwelling_code[:$building_digits] AS building_code
FROM address_rows WHERE estate_name IS NOT NULL OR form = 'road' OR length(dwelling_code) > $building_digits;

CREATE OR REPLACE TEMP TABLE surrounding_sites AS
WITH looked AS (
    SELECT s.*, coalesce(r.estate, a.estate) AS road_estate, coalesce(r.street, a.street) AS road_street, b.estate AS code_estate, b.street AS code_street,
           CASE WHEN nc.site IS NOT NULL THEN nc WHEN ns.site IS NOT NULL THEN ns WHEN s.street IS NULL AND ny.site IS NOT NULL THEN ny
                WHEN s.street IS NULL AND s.code IS NULL THEN na END AS meant,
           t.estate AS stem_estate, u.estate_name IS NOT NULL AS is_usual
    FROM address_surroundings s
    LEFT JOIN place_sites r ON r.place = 'road ' || s.code || ' ' || s.road || ' ' || s.road_number
    LEFT JOIN place_sites a ON a.place = 'road ' || s.road || ' ' || s.road_number AND s.code IS NULL
    LEFT JOIN place_sites b ON b.place = 'code ' || s.building_code
    LEFT JOIN name_sites nc ON nc.scope = 'community ' || s.street || ' ' || s.community AND nc.estate_name = s.estate_name
    LEFT JOIN name_sites ns ON ns.scope = 'street ' || s.street AND ns.estate_name = s.estate_name
    LEFT JOIN name_sites ny ON ny.scope = 'county ' || s.code AND ny.estate_name = s.estate_name
    LEFT JOIN name_sites na ON na.scope = 'all' AND na.estate_name = s.estate_name
    LEFT JOIN stem_sites t ON t.street = s.street AND t.estate_name = s.estate_name
    LEFT JOIN usual_names u ON u.estate_name = s.estate_name
), decided AS (
    SELECT *, CASE WHEN is_usual AND meant.is_sure THEN 'name' WHEN road_estate IS NOT NULL THEN 'road' WHEN code_estate IS NOT NULL THEN 'code'
                   WHEN meant.is_sure THEN 'name' WHEN meant.site IS NOT NULL THEN 'several' WHEN stem_estate IS NOT NULL THEN 'stem' ELSE 'written' END AS decided_by
    FROM looked
)
SELECT code, street, community, road, road_number, estate_name, building_code, decided_by, meant.scope AS scope,
       CASE decided_by WHEN 'name' THEN meant.site.estate WHEN 'road' THEN road_estate WHEN 'code' THEN code_estate WHEN 'stem' THEN stem_estate ELSE estate_name END AS estate,
       coalesce(nullif(CASE decided_by WHEN 'name' THEN meant.site.street WHEN 'road' THEN road_street WHEN 'code' THEN code_street END, ''), street) AS site_street
FROM decided;

CREATE OR REPLACE TEMP TABLE address_named AS
SELECT r.*, s.decided_by, s.scope, coalesce(s.estate, r.estate_name) AS estate, coalesce(s.site_street, r.street) AS site_street
FROM address_rows r
LEFT JOIN surrounding_sites s ON s.code IS NOT DISTINCT FROM r.code AND s.street IS NOT DISTINCT FROM r.street AND s.community IS NOT DISTINCT FROM r.community
    AND s.road IS NOT DISTINCT FROM if(r.form = 'road', r.road, NULL) AND s.road_number IS NOT DISTINCT FROM if(r.form = 'road', r.road_number, NULL)
    AND s.estate_name IS NOT DISTINCT FROM r.estate_name AND s.building_code IS NOT DISTINCT FROM r.dwelling_code[:$building_digits];

-- Street, community and county of an estate, if nearly all who say so agree.
CREATE OR REPLACE TEMP TABLE estate_streets AS
SELECT estate, arg_max(site_street, (n, site_street)) AS street
FROM (SELECT estate, site_street, count(*) AS n FROM address_named WHERE estate IS NOT NULL AND site_street IS NOT NULL AND decided_by <> 'several' GROUP BY ALL)
GROUP BY estate HAVING max(n) >= $sure * sum(n);

CREATE OR REPLACE TEMP TABLE site_communities AS
SELECT site_street AS street, estate, arg_max(community, (n, community)) AS community
FROM (SELECT site_street, estate, community, count(*) AS n FROM address_named
      WHERE estate IS NOT NULL AND site_street IS NOT NULL AND community IS NOT NULL AND decided_by <> 'several' GROUP BY ALL)
GROUP BY ALL HAVING max(n) >= $sure * sum(n);

-- Counties: of a name that several counties have, the one that most addresses of the night mean; of a street, the one that all say.
CREATE OR REPLACE TEMP TABLE county_codes AS
SELECT county, arg_max(code, (n, code)) AS code FROM (SELECT county, code, count(*) AS n FROM address_rows WHERE county IS NOT NULL AND code IS NOT NULL GROUP BY ALL) GROUP BY county;

CREATE OR REPLACE TEMP TABLE street_codes AS
SELECT street, arg_max(code, (n, code)) AS code
FROM (SELECT coalesce(site_street, street) AS street, code, count(*) AS n FROM address_named WHERE code IS NOT NULL AND form IS DISTINCT FROM 'team' GROUP BY ALL)
WHERE street IS NOT NULL GROUP BY street HAVING max(n) >= $sure * sum(n);
