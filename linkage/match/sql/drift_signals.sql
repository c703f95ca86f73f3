-- One signal for each comparison that is outside its limits: the feed in which it moved most, the nights before rather than the model.
-- Reads drift, feed_sources.
CREATE OR REPLACE TEMP TABLE signals AS
WITH told AS (
    SELECT d.*, coalesce(f.source, 'all') AS source,
           CASE d.against WHEN 'before' THEN '以往' ELSE '模型所学' END AS against_zh, CASE d.against WHEN 'before' THEN 'on the nights before' ELSE 'as the model learned it' END AS against_en
    FROM drift d LEFT JOIN feed_sources f USING (feed) WHERE d.outside
    QUALIFY row_number() OVER (PARTITION BY d.comparison ORDER BY d.against, d.divergence_bits DESC, d.feed) = 1
)
SELECT source, feed, '' AS file, comparison AS column, 'drift' AS kind, 'warn' AS severity, level AS value_masked, pairs AS count,
       '已连配对的“' || zh || '”不再像过去：“' || level_zh || '”占 ' || printf('%.1f', 100 * share) || '%，' || against_zh || ' ' || printf('%.1f', 100 * expected_share)
           || '%。先看部门数据是否出错；若变化属实，请训练候选模型（linkage model train）。' AS message,
       'Linked pairs no longer agree on ' || en || ' as they did: ' || level_en || ' ' || printf('%.1f', 100 * share) || ' %, ' || printf('%.1f', 100 * expected_share) || ' % ' || against_en
           || '. First see whether the department''s data are at fault; if the change is real, train a candidate model (linkage model train).' AS message_en
FROM told;
