-- Every file of the night as it ended: what a gate set aside counts as rejected.
CREATE OR REPLACE TEMP TABLE accounting AS
SELECT a.* REPLACE (a.accepted_rows - coalesce(s.n, 0) AS accepted_rows, a.rejected_rows + coalesce(s.n, 0) AS rejected_rows)
FROM file_accounting a LEFT JOIN (SELECT file, count(DISTINCT row_number) AS n FROM set_aside GROUP BY file) s USING (file);
