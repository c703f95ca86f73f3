-- Which persons of the live model the candidate would merge or split, and the pair that decides it: of a merge the heaviest pair that unites two of its
-- persons, of a split the heaviest pair that no longer holds. Reads <side>_links, <side>_pairs for the sides live and candidate. $cannot_link_guards
CREATE OR REPLACE TEMP TABLE record_persons AS
SELECT record_key, l.feed, l.person_id AS live_person, c.person_id AS candidate_person
FROM live_links l JOIN candidate_links c USING (record_key);

CREATE OR REPLACE TEMP TABLE changed_persons AS
WITH shared AS (SELECT DISTINCT live_person, candidate_person FROM record_persons)
SELECT 'merge' AS kind, candidate_person AS person_id, list_sort(list(live_person)) AS parts FROM shared GROUP BY candidate_person HAVING count(*) > 1
UNION ALL
SELECT 'split', live_person, list_sort(list(candidate_person)) FROM shared GROUP BY live_person HAVING count(*) > 1;

CREATE OR REPLACE TEMP TABLE changed_records AS
SELECT kind, person_id, record_key, feed, live_person, CASE kind WHEN 'merge' THEN live_person ELSE candidate_person END AS part
FROM changed_persons c JOIN record_persons r ON c.person_id = CASE c.kind WHEN 'merge' THEN r.candidate_person ELSE r.live_person END;

-- What each model says about pairs between the parts.
CREATE OR REPLACE TEMP TABLE pairs_between AS
WITH between_parts AS (
    SELECT l.kind, l.person_id, least(l.record_key, r.record_key) AS record_key_l, greatest(l.record_key, r.record_key) AS record_key_r
    FROM changed_records l JOIN changed_records r ON l.kind = r.kind AND l.person_id = r.person_id AND l.part < r.part
)
SELECT b.*, l.match_weight AS live_weight, c.match_weight AS candidate_weight, CAST(l.weights AS MAP(VARCHAR, DOUBLE)) AS live_weights, CAST(c.weights AS MAP(VARCHAR, DOUBLE)) AS candidate_weights,
       CASE b.kind WHEN 'merge' THEN c.match_weight ELSE l.match_weight END AS deciding_weight, CASE b.kind WHEN 'merge' THEN c.guards ELSE l.guards END AS guards
FROM between_parts b LEFT JOIN live_pairs l USING (record_key_l, record_key_r) LEFT JOIN candidate_pairs c USING (record_key_l, record_key_r);

CREATE OR REPLACE TEMP TABLE deciding_pairs AS
SELECT *, list_sort(list_transform(list_filter(map_keys(live_weights), lambda k: k IN map_keys(candidate_weights)),
                                   lambda k: struct_pack(smallness := -abs(candidate_weights[k] - live_weights[k]), comparison := k, moved := candidate_weights[k] - live_weights[k])))[1] AS most
FROM pairs_between
WHERE deciding_weight IS NOT NULL AND len(list_intersect(guards, $cannot_link_guards)) = 0
QUALIFY row_number() OVER (PARTITION BY kind, person_id ORDER BY deciding_weight DESC, record_key_l, record_key_r) = 1;

CREATE OR REPLACE TEMP TABLE person_changes AS
WITH records AS (SELECT kind, person_id, list_sort(list(record_key)) AS records FROM changed_records GROUP BY ALL)
SELECT c.kind, c.person_id, c.parts, r.records, CASE WHEN d.kind IS NOT NULL THEN [d.record_key_l, d.record_key_r] END AS pair,
       round(d.live_weight, 3) AS live_weight, round(d.candidate_weight, 3) AS candidate_weight, d.most.comparison AS moved_by, round(d.most.moved, 3) AS moved_bits
FROM changed_persons c JOIN records r USING (kind, person_id) LEFT JOIN deciding_pairs d USING (kind, person_id);
