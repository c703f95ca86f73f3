-- What became of each record whose number was hidden: it joins the person of its strongest unguarded pair from the join threshold on.
-- Right is a person that holds another record of the hidden number; how that person hangs together counts without the hidden record, which may
-- itself have been the bridge. $join_match_weight, $cannot_link_guards
CREATE OR REPLACE TEMP TABLE holdout_choices AS
SELECT p.record_key, arg_max(p.other_key, (p.match_weight, p.other_key)) AS other_key
FROM holdout_pairs p
WHERE p.match_weight >= $join_match_weight AND len(list_intersect(p.guards, $cannot_link_guards)) = 0
GROUP BY p.record_key;

CREATE OR REPLACE TEMP TABLE person_edges AS
WITH joining AS (
    SELECT p.record_key_l, p.record_key_r, l.person_id
    FROM scored_pairs p JOIN estimate_records l ON l.record_key = p.record_key_l JOIN estimate_records r ON r.record_key = p.record_key_r
    WHERE l.person_id = r.person_id AND p.match_weight >= $join_match_weight AND len(list_intersect(p.guards, $cannot_link_guards)) = 0
      AND l.person_id IN (SELECT person_id FROM holdout_choices c JOIN estimate_records o ON o.record_key = c.other_key)
)
SELECT record_key_l AS here, record_key_r AS there FROM joining UNION ALL SELECT record_key_r, record_key_l FROM joining;

CREATE OR REPLACE TEMP TABLE holdout_reached AS
WITH RECURSIVE reached AS (
    SELECT c.record_key, c.other_key AS member FROM holdout_choices c
    JOIN estimate_records h ON h.record_key = c.record_key JOIN estimate_records o ON o.record_key = c.other_key
    WHERE o.number IS DISTINCT FROM h.number
    UNION
    SELECT r.record_key, e.there FROM reached r JOIN person_edges e ON e.here = r.member WHERE e.there <> r.record_key
)
SELECT * FROM reached;

CREATE OR REPLACE TEMP TABLE holdout_outcomes AS
SELECT h.record_key, h.stratum, h.sampling_weight, h.subgroups, e.shape, c.other_key IS NOT NULL AS joined,
       coalesce(o.number = e.number, false) OR h.record_key IN (
           SELECT r.record_key FROM holdout_reached r JOIN estimate_records m ON m.record_key = r.member JOIN estimate_records x ON x.record_key = r.record_key
           WHERE m.number = x.number) AS correct
FROM holdout_records h JOIN estimate_records e USING (record_key)
LEFT JOIN holdout_choices c USING (record_key) LEFT JOIN estimate_records o ON o.record_key = c.other_key;
