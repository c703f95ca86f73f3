-- Codes as text from the reference tables ($gb2260_...: paths of CSV files).
CREATE OR REPLACE TEMP TABLE division_history AS
SELECT code, name, other_names, level, status = 'current' AS is_current FROM read_csv($gb2260_all_history, all_varchar = true);

CREATE OR REPLACE TEMP TABLE division_successors AS
SELECT s.old_code, s.new_code, count(*) OVER (PARTITION BY s.old_code) > 1 AS is_split
FROM (SELECT DISTINCT old_code, new_code FROM read_csv($gb2260_successor, all_varchar = true)
      WHERE new_code IS NOT NULL AND old_code <> new_code) s
JOIN division_history h ON h.code = s.old_code AND NOT h.is_current;

-- Follow single successors until a code that still stands or was split; a chain longer than ten would be a circle.
CREATE OR REPLACE TEMP TABLE division_codes AS
WITH RECURSIVE walk(code, here, steps) AS (
    SELECT code, code, 0 FROM division_history
    UNION ALL
    SELECT w.code, s.new_code, w.steps + 1 FROM walk w JOIN division_successors s ON s.old_code = w.here AND NOT s.is_split WHERE w.steps < 10
), ends AS (SELECT code, arg_max(here, steps) AS here FROM walk GROUP BY code)
SELECT e.code, e.here AS current_code, h.name, e.here IN (SELECT old_code FROM division_successors WHERE is_split) AS is_split
FROM ends e JOIN division_history h USING (code);

-- Every name a code has had, best first within a province: of a living unit, of a dead one, a by-name in one of the collections.
CREATE OR REPLACE TEMP TABLE division_names AS
WITH named AS (
    SELECT h.name, h.level, c.current_code AS code, if(h.is_current, 1, 2) AS standing FROM division_history h JOIN division_codes c USING (code)
    UNION ALL
    SELECT unnest(string_split(h.other_names, '/')), h.level, c.current_code, 3 FROM division_history h JOIN division_codes c USING (code)
)
SELECT DISTINCT name, level, code FROM named
WHERE length(name) >= 2 AND name NOT IN ('市辖区', '市区', '郊区', '省直辖县级行政区划', '自治区直辖县级行政区划')
QUALIFY standing = min(standing) OVER (PARTITION BY name, level, code[:2]) AND (standing < 3 OR min(standing) OVER (PARTITION BY name, level) = 3);
