-- What each id of the first release is in the second: by the records that both hold, then by the retired ids. $gone: what an id is called that
-- leads nowhere (ended; not_yet when the second release is the older one).
CREATE OR REPLACE TEMP TABLE id_overlaps AS
SELECT person_id_before AS id, person_id_after AS successor_id, count(*) AS records
FROM record_crosswalk WHERE person_id_before IS NOT NULL AND person_id_after IS NOT NULL GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE id_crosswalk AS
WITH living AS (
    SELECT person_id AS id, 'person' AS kind FROM after_persons UNION ALL SELECT household_id, 'household' FROM after_households
), person_rows AS (
    SELECT * FROM id_overlaps
    UNION ALL -- a person who lives on with none of the records of before
    SELECT b.person_id, b.person_id, 0 FROM before_persons b JOIN after_persons a USING (person_id)
    ANTI JOIN id_overlaps o ON o.id = b.person_id AND o.successor_id = b.person_id
), household_rows AS (
    SELECT b.household_id AS id, a.household_id AS successor_id, count(*) AS shared
    FROM before_members b
    JOIN (SELECT id, arg_max(successor_id, (records, successor_id)) AS person_id FROM person_rows GROUP BY id) s ON s.id = b.person_id
    JOIN after_members a ON a.person_id = s.person_id
    WHERE b.valid_to IS NULL AND a.valid_to IS NULL GROUP BY ALL
), persons AS (
    SELECT id, 'person' AS kind, CASE WHEN count(*) OVER (PARTITION BY id) > 1 THEN 'split' WHEN successor_id = id THEN 'same' ELSE 'merged_into' END AS fate,
           successor_id, records
    FROM person_rows
), by_retired_id AS (
    SELECT b.id, b.kind, CASE WHEN b.id = coalesce(r.successor_id, b.id) AND l.id IS NOT NULL THEN 'same' WHEN l.id IS NOT NULL THEN 'merged_into' ELSE $gone END AS fate,
           coalesce(l.id, '') AS successor_id
    FROM (SELECT person_id AS id, 'person' AS kind FROM before_persons ANTI JOIN persons p ON p.id = person_id
          UNION ALL SELECT household_id, 'household' FROM before_households) b
    LEFT JOIN after_retired_ids r ON r.id = b.id AND r.kind = b.kind
    LEFT JOIN living l ON l.id = coalesce(r.successor_id, b.id) AND l.kind = b.kind
)
SELECT * FROM persons
UNION ALL
SELECT b.*, coalesce(h.shared, 0) AS records FROM by_retired_id b LEFT JOIN household_rows h ON h.id = b.id AND h.successor_id = b.successor_id;
