-- The strongest pair between two persons that a constraint kept apart, and the constraint: records barred_l and barred_r must not be one person.
CREATE OR REPLACE TEMP TABLE refused_pairs AS
SELECT l.record_key AS record_key_l, r.record_key AS record_key_r, l.person_id AS person_l, r.person_id AS person_r, n.match_weight,
       b.record_key AS barred_key_l, c.record_key AS barred_key_r,
       CASE WHEN v.verdict = 'different' THEN '判定为不同人' WHEN len(s.guards) > 0 THEN guards_zh(s.guards)
            WHEN d.node_l IS NOT NULL THEN '同一来源声明一人一条' ELSE '两个不同的有效证件号码' END AS barrier,
       CASE WHEN v.verdict = 'different' THEN 'judged different' WHEN len(s.guards) > 0 THEN guards_en(s.guards)
            WHEN d.node_l IS NOT NULL THEN 'both of a feed declared to hold a person once' ELSE 'two different good numbers' END AS barrier_en
FROM refused_nodes n JOIN person_nodes l ON l.node = n."left" JOIN person_nodes r ON r.node = n."right"
JOIN person_nodes b ON b.node = n.barred_left JOIN person_nodes c ON c.node = n.barred_right
LEFT JOIN scored_pairs s ON s.record_key_l = least(b.record_key, c.record_key) AND s.record_key_r = greatest(b.record_key, c.record_key)
LEFT JOIN duplicate_pairs d ON d.node_l = least(n.barred_left, n.barred_right) AND d.node_r = greatest(n.barred_left, n.barred_right)
LEFT JOIN verdicts v ON v.node_l = least(n.barred_left, n.barred_right) AND v.node_r = greatest(n.barred_left, n.barred_right)
QUALIFY row_number() OVER (PARTITION BY least(person_l, person_r), greatest(person_l, person_r)
                           ORDER BY n.match_weight DESC, n."left", n."right") = 1;
