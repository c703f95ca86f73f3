-- Thresholds of two feeds that the link policy names, in both orders: declared_thresholds(feed_l, feed_r, join_match_weight, keep_match_weight).
CREATE OR REPLACE TEMP TABLE pair_thresholds AS
SELECT feed_l, feed_r, coalesce(join_match_weight, $join_match_weight) AS join_match_weight, coalesce(keep_match_weight, $keep_match_weight) AS keep_match_weight
FROM (SELECT * FROM declared_thresholds UNION SELECT feed_r, feed_l, join_match_weight, keep_match_weight FROM declared_thresholds);
