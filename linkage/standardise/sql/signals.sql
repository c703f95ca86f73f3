-- What a steward should know about the values of this night. What can only be a code is shown; everything else by its shape.
CREATE OR REPLACE TEMP MACRO shape(t) AS
    regexp_replace(regexp_replace(regexp_replace(left(t, 40), '[0-9]', '9', 'g'), '[A-Za-z]', 'a', 'g'), '\p{Han}', '汉', 'g');

CREATE OR REPLACE TEMP TABLE signals AS
WITH unknown_codes AS (
    SELECT c.source, c.feed, c.field, 'unknown_code' AS kind, 'warn' AS severity,
        m.unknown_as AS value_masked, sum(c.rows) AS count
    FROM code_inputs AS c
    JOIN code_map AS m ON m.feed = c.feed AND m.field = c.field AND m.text = c.text
    WHERE m.unknown_as IS NOT NULL
    GROUP BY ALL
),
date_problems AS (
    SELECT source, feed, field, problem || '_date' AS kind, CASE problem WHEN 'filler' THEN 'info' ELSE 'warn' END AS severity,
        CASE problem WHEN 'invalid' THEN shape(text) ELSE '' END AS value_masked, sum(rows) AS count
    FROM record_dates
    WHERE problem IN ('invalid', 'future', 'filler')
    GROUP BY ALL
),
glyphs AS (
    SELECT r.source, r.feed, r.field, 'unresolved_glyph' AS kind, 'info' AS severity, '' AS value_masked, count(*) AS count
    FROM (
        UNPIVOT (SELECT source, feed, full_name, former_name, head_name, mother_name, spouse_name, contact_name FROM raw_records)
        ON full_name, former_name, head_name, mother_name, spouse_name, contact_name
        INTO NAME field VALUE text
    ) AS r
    JOIN parsed_names AS n ON n.text = r.text AND n.unresolved_glyph
    GROUP BY ALL
),
damaged AS (
    SELECT r.source, r.feed, r.field, 'damaged_number' AS kind, 'warn' AS severity, '' AS value_masked, count(*) AS count
    FROM (
        UNPIVOT (SELECT source, feed, numeric_cells, identity_number, head_identity_number, mother_identity_number, spouse_identity_number FROM raw_records)
        ON identity_number, head_identity_number, mother_identity_number, spouse_identity_number
        INTO NAME field VALUE text
    ) AS r
    WHERE list_contains(r.numeric_cells, r.field) AND (length(r.text) > 15 OR regexp_matches(r.text, '[eE]'))
    GROUP BY ALL
),
found AS (
    SELECT * FROM unknown_codes UNION ALL SELECT * FROM date_problems UNION ALL SELECT * FROM glyphs UNION ALL SELECT * FROM damaged
)
SELECT f.source, f.feed, '' AS file, f.field AS column, f.kind, f.severity, f.value_masked, CAST(f.count AS BIGINT) AS count,
    CASE f.kind
        WHEN 'unknown_code' THEN '“' || l.zh || '”出现未知代码，' || f.count || ' 行按空值处理。请在 config/sources 该列的 codes 中加上对应关系，或向部门核实。'
        WHEN 'invalid_date' THEN '“' || l.zh || '”有 ' || f.count || ' 行不是有效日期，按空值处理。请向部门核实，或在 config/sources 中设置 date_format。'
        WHEN 'future_date' THEN '“' || l.zh || '”有 ' || f.count || ' 行晚于当晚日期，按空值处理。请向部门核实。'
        WHEN 'filler_date' THEN '“' || l.zh || '”有 ' || f.count || ' 行是占位日期（如 1900-01-01），按空值处理。无需操作。'
        WHEN 'unresolved_glyph' THEN '“' || l.zh || '”有 ' || f.count || ' 行含无法识别的字（自造字或问号），匹配时作通配。请向部门索取造字对照表。'
        WHEN 'damaged_number' THEN '“' || l.zh || '”有 ' || f.count || ' 行被电子表格当作数值保存，只剩前 15 位。请部门把该列设为文本后重新导出。'
    END AS message,
    CASE f.kind
        WHEN 'unknown_code' THEN 'Unknown code in ' || f.field || ': ' || f.count || ' rows read as empty. Add it to codes of the column in config/sources, or ask the department.'
        WHEN 'invalid_date' THEN f.count || ' rows of ' || f.field || ' are no valid date and read as empty. Ask the department, or set date_format in config/sources.'
        WHEN 'future_date' THEN f.count || ' rows of ' || f.field || ' lie after the night and read as empty. Ask the department.'
        WHEN 'filler_date' THEN f.count || ' rows of ' || f.field || ' are filler dates (such as 1900-01-01) and read as empty. Nothing to do.'
        WHEN 'unresolved_glyph' THEN f.count || ' rows of ' || f.field || ' hold a character nobody can read; it matches any character. Ask the department for its table of private characters.'
        WHEN 'damaged_number' THEN f.count || ' rows of ' || f.field || ' were saved as numbers by a spreadsheet, which keeps 15 digits. Ask the department to format the column as text and export again.'
    END AS message_en
FROM found AS f
JOIN field_labels AS l ON l.field = f.field;
