-- Every scored pair as the machine alone would decide it, in its stratum: band of match weight, and rarest subgroup of the two persons concerned.
-- In its stratum each pair has a place that never changes (by hash of its records). Stewards are asked the first pairs not yet judged; what counts as
-- the sample is everything judged up to there, so that a pair judged for being hard does not count for more than its share.
-- $edges: lower ends of the bands in bits; $join_match_weight, $cannot_link_guards, $pairs_per_stratum
CREATE OR REPLACE TEMP TABLE last_verdicts AS
SELECT least(current_key_l, current_key_r) AS record_key_l, greatest(current_key_l, current_key_r) AS record_key_r, verdict FROM judgement_status WHERE in_force;

CREATE OR REPLACE TEMP TABLE decided_pairs AS
SELECT p.record_key_l, p.record_key_r, list_sort(list_distinct(list_concat(l.subgroups, r.subgroups))) AS subgroups,
       p.match_weight >= $join_match_weight AND len(list_intersect(p.guards, $cannot_link_guards)) = 0 AS joins,
       CASE WHEN len(list_intersect(p.guards, $cannot_link_guards)) > 0 THEN 'guarded' ELSE 'band ' || len(list_filter($edges, lambda e: p.match_weight >= e)) END AS band
FROM scored_pairs p JOIN estimate_records l ON l.record_key = p.record_key_l JOIN estimate_records r ON r.record_key = p.record_key_r;

CREATE OR REPLACE TEMP TABLE quality_pairs AS
WITH members AS (
    SELECT record_key_l, record_key_r, unnest(subgroups) AS subgroup FROM decided_pairs
), sizes AS (
    SELECT subgroup, count(*) AS size FROM members GROUP BY subgroup
), rarest AS (
    SELECT record_key_l, record_key_r, arg_min(subgroup, (size, subgroup)) AS label FROM members JOIN sizes USING (subgroup) GROUP BY ALL
), placed AS (
    SELECT p.*, coalesce(s.label, 'rest') AS label, v.verdict,
           row_number() OVER (PARTITION BY p.band, coalesce(s.label, 'rest') ORDER BY sha256(p.record_key_l || ' ' || p.record_key_r)) AS place
    FROM decided_pairs p LEFT JOIN rarest s USING (record_key_l, record_key_r) LEFT JOIN last_verdicts v USING (record_key_l, record_key_r)
)
SELECT *, sum(CASE WHEN verdict IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY band, label ORDER BY place) AS open_so_far FROM placed;

CREATE OR REPLACE TEMP TABLE judged_cells AS
SELECT subgroup, joins, band, label, count(*) AS pairs,
       count(*) FILTER (verdict IN ('same', 'different') AND open_so_far < $pairs_per_stratum) AS judged,
       count(*) FILTER (verdict = 'same' AND open_so_far < $pairs_per_stratum) AS same
FROM (SELECT *, unnest(list_concat(['all'], subgroups)) AS subgroup FROM quality_pairs) GROUP BY ALL;
