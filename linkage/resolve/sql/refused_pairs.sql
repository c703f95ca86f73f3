-- The strongest pair between two persons that a constraint kept apart.
CREATE OR REPLACE TEMP TABLE refused_pairs AS
SELECT l.record_key AS record_key_l, r.record_key AS record_key_r, l.person_id AS person_l, r.person_id AS person_r, n.match_weight
FROM refused_nodes n JOIN person_nodes l ON l.node = n.node_l JOIN person_nodes r ON r.node = n.node_r
QUALIFY row_number() OVER (PARTITION BY least(person_l, person_r), greatest(person_l, person_r)
                           ORDER BY n.match_weight DESC, n.node_l, n.node_r) = 1;
