-- What the machine cannot decide. Weights in bits; see config/match.yaml for the thresholds bound here.
CREATE OR REPLACE TEMP TABLE review_cases AS
WITH pairs AS (
    SELECT p.record_key_l, p.record_key_r, l.person_id AS person_l, r.person_id AS person_r, p.match_weight, p.guards,
           coalesce(t.join_match_weight, $join_match_weight) AS join_match_weight
    FROM scored_pairs p JOIN links l ON l.record_key = p.record_key_l JOIN links r ON r.record_key = p.record_key_r
    LEFT JOIN pair_thresholds t ON t.feed_l = l.feed AND t.feed_r = r.feed
    WHERE p.match_weight >= $review_match_weight
), undecided AS (
    SELECT * FROM pairs
    WHERE person_l <> person_r AND match_weight < join_match_weight AND len(list_intersect(guards, $cannot_link_guards)) = 0
      AND NOT EXISTS (SELECT 1 FROM judgements j WHERE j.record_key_l = pairs.record_key_l AND j.record_key_r = pairs.record_key_r AND j.verdict <> 'unsure')
    QUALIFY row_number() OVER (PARTITION BY least(person_l, person_r), greatest(person_l, person_r) ORDER BY match_weight DESC, record_key_l, record_key_r) = 1
)
SELECT 'weight_between_thresholds' AS kind, [record_key_l, record_key_r] AS records, [person_l, person_r] AS person_ids, match_weight,
       10 + match_weight AS priority,
       '权重介于复核线与合并线之间' AS reason, 'weight between the review and the join threshold' AS reason_en
FROM undecided WHERE len(guards) = 0
UNION ALL
SELECT 'twins', [record_key_l, record_key_r], [person_l, person_r], match_weight, 20 + match_weight,
       '守卫提示：' || guards_zh(guards), 'a guard spoke: ' || guards_en(guards)
FROM pairs WHERE len(guards) > 0 AND person_l = person_r
UNION ALL
SELECT 'duplicate_in_feed', [record_key_l, record_key_r], [person_l, person_r], match_weight, 30 + match_weight,
       '该来源声明一人一条，两条记录却像同一人', 'this feed is declared to hold a person once, yet these two records look like one person'
FROM pairs JOIN person_nodes l ON l.record_key = record_key_l JOIN person_nodes r ON r.record_key = record_key_r
     JOIN duplicate_pairs d ON d.node_l = least(l.node, r.node) AND d.node_r = greatest(l.node, r.node)
WHERE person_l <> person_r AND match_weight >= join_match_weight AND len(list_intersect(guards, $cannot_link_guards)) = 0
UNION ALL
-- The pair that pulled two persons together comes first, then the records that must not be one person.
SELECT 'constraint_conflict', list_concat([record_key_l, record_key_r], list_filter([barred_key_l, barred_key_r], lambda k: k NOT IN (record_key_l, record_key_r))),
       [person_l, person_r], match_weight, 50 + match_weight,
       '前两条记录相关联，但两人不能是同一人：' || barrier, 'the first two records belong together, but the two must not be one person: ' || barrier_en
FROM refused_pairs
UNION ALL
SELECT 'weak_bridge', list_sort(list(record_key)), [person_id], NULL, 30.0, '仅靠弱关联连成一人', 'held together by weak pairs only'
FROM person_nodes SEMI JOIN bridged_nodes USING (node) GROUP BY person_id
UNION ALL
SELECT 'oversized_cluster', list_sort(list(record_key)), [person_id], NULL, 40.0, '一人记录过多', 'too many records in one person'
FROM links GROUP BY person_id HAVING count(*) > $oversized_cluster_records
UNION ALL
SELECT * FROM judgement_cases;
