-- Codes as text from the reference tables ($gb2260_...: paths of CSV files).
CREATE OR REPLACE TEMP TABLE division_current AS SELECT code, name, level FROM read_csv($gb2260_current, all_varchar = true) WHERE official = 'Y';

CREATE OR REPLACE TEMP TABLE division_successors AS
SELECT old_code, any_value(new_code) AS new_code FROM read_csv($gb2260_successor, all_varchar = true)
WHERE new_code IS NOT NULL AND old_code <> new_code GROUP BY old_code HAVING count(DISTINCT new_code) = 1;

-- Follow successors until a code that still stands; a chain longer than ten would be a circle.
CREATE OR REPLACE TEMP TABLE division_codes AS
WITH RECURSIVE walk(code, here, steps) AS (
    SELECT code, code, 0 FROM (SELECT code FROM read_csv($gb2260_all_history, all_varchar = true) UNION SELECT code FROM division_current)
    UNION ALL
    SELECT w.code, s.new_code, w.steps + 1 FROM walk w JOIN division_successors s ON s.old_code = w.here
    WHERE w.steps < 10 AND w.here NOT IN (SELECT code FROM division_current)
)
SELECT code, arg_max(here, steps) AS current_code FROM walk GROUP BY code;

CREATE OR REPLACE TEMP TABLE division_names AS
SELECT c.code, p.name AS province, y.name AS city, c.name AS county
FROM division_current c
LEFT JOIN division_current p ON p.code = c.code[:2] || '0000'
LEFT JOIN division_current y ON y.code = c.code[:4] || '00' AND y.code <> c.code
WHERE c.code[5:] <> '00';
