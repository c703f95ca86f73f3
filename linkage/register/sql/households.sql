-- The golden household: address of its head, else of most of its members; the place as most of those with this address have it.
CREATE OR REPLACE TEMP TABLE households AS
WITH living AS (
    SELECT m.household_id, m.is_head, l.kind, l.basis, p.*,
           CASE WHEN l.basis = 'household_number' THEN p.hukou_address ELSE p.residence_address END AS address,
           CASE WHEN l.basis = 'household_number' THEN p.hukou_division_code ELSE p.residence_division_code END AS division
    FROM members m JOIN household_links l USING (household_id) JOIN persons p USING (person_id) WHERE m.valid_to IS NULL
), counted AS (
    SELECT household_id, address, mode(division ORDER BY division) AS division, mode(residence_street ORDER BY residence_street) AS street,
           mode(residence_community ORDER BY residence_community) AS community, mode(dwelling_code ORDER BY dwelling_code) AS dwelling_code, mode(grid_code ORDER BY grid_code) AS grid_code, count(*) AS n, bool_or(is_head) AS of_head
    FROM living WHERE address IS NOT NULL GROUP BY ALL
), best AS (
    SELECT household_id, arg_max(struct_pack(address, division, street, community, dwelling_code, grid_code), (of_head, n, address)) AS b
    FROM counted GROUP BY household_id
)
SELECT l.household_id, l.kind, CASE WHEN l.basis = 'household_number' THEN l.basis_key END AS household_number, l.head_person_id, l.members,
       b.b.address AS address, CASE WHEN l.basis = 'dwelling_code' THEN l.basis_key WHEN l.basis = 'dwelling_key' THEN b.b.dwelling_code END AS dwelling_code,
       b.b.division AS division_code, CASE WHEN l.basis <> 'household_number' THEN b.b.street END AS street,
       CASE WHEN l.basis <> 'household_number' THEN b.b.community END AS community, CASE WHEN l.basis <> 'household_number' THEN b.b.grid_code END AS grid_code
FROM household_links l LEFT JOIN best b USING (household_id);
